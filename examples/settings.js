// @ts-check
// Settings that a program keeps: `node settings.js` shows them, `node settings.js volume 8` changes one.
import { createStore } from 'persist-mqtt'

const defaults = { volume: 5, wake: { hour: 7, days: ['Mon', 'Tue'] } }

// The store is here at once, so that other modules can import it; its variables come from the broker.
export const pt = createStore({ name: 'example-settings', defaults })

// What needs the variables goes into exec(): it runs when they are here, and rejects if they cannot come.
await pt.exec(() => {
  const [name, value] = process.argv.slice(2)
  if (name !== undefined && value !== undefined) Object.assign(pt, { [name]: JSON.parse(value) })
  console.log(JSON.stringify(pt))
})
// Nothing is saved by hand here: what has changed is saved when the program ends.
