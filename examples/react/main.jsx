// A dashboard of a heating. In a clone, with `npm start` running beside it:
//   npx esbuild examples/react/main.jsx --bundle --jsx=automatic --format=esm --outdir=examples/react --servedir=examples/react
// and open http://localhost:8000/?url=ws://localhost:9001, the WebSocket address that npm start has printed.
import { createStore } from 'persist-mqtt'
import { useStore, useVariable } from 'persist-mqtt/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

const url = new URLSearchParams(location.search).get('url') ?? 'ws://localhost:9001'
const defaults = { target: 20, mode: 'auto', rooms: { kitchen: 19.5, bath: 22 } }
const pt = createStore({ url, name: 'example-react', defaults, autosave: { delayMs: 100 } })

/** Drawn again when the target changes, and not when a room gets warmer. */
function Target() {
  const [target, setTarget] = useVariable(pt, 'target')
  return (
    <p>
      <button type="button" disabled={target === undefined} onClick={() => setTarget((now = 0) => now - 0.5)}>
        −
      </button>
      <output> {target} °C </output>
      <button type="button" disabled={target === undefined} onClick={() => setTarget((now = 0) => now + 0.5)}>
        +
      </button>
    </p>
  )
}

function Rooms() {
  const { rooms = {}, mode } = useStore(pt)
  return (
    <ul>
      {Object.entries(rooms).map(([room, degrees]) => (
        <li key={room}>
          {room}: {degrees} °C ({mode})
        </li>
      ))}
    </ul>
  )
}

createRoot(document.querySelector('main')).render(
  <StrictMode>
    <Target />
    <Rooms />
  </StrictMode>,
)
