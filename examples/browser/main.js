// @ts-check
// A counter in a web page. A browser cannot import packages by name, so a bundler puts this and the package into one file.
// In a clone, with `npm start` running beside it:
//   npx esbuild examples/browser/main.js --bundle --format=esm --outdir=examples/browser --servedir=examples/browser
// and open http://localhost:8000/?url=ws://localhost:9001, the WebSocket address that npm start has printed.
import { openStore } from 'persist-mqtt'

const url = new URLSearchParams(location.search).get('url') ?? 'ws://localhost:9001'
const pt = await openStore({ url, name: 'example-browser', defaults: { clicks: 0 }, autosave: { delayMs: 100 } })

const button = /** @type {HTMLButtonElement} */ (document.querySelector('button'))
const show = () => {
  button.textContent = `Clicked ${pt.clicks} times`
}
button.onclick = () => {
  pt.clicks += 1
}
button.disabled = false
pt.$subscribe(show)
show()
