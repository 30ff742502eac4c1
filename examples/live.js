// @ts-check
// Shows every change of a pool as it happens, until Ctrl-C: `node live.js`, and `node counter.js` beside it.
import { openStore } from 'persist-mqtt'

const [name = 'example-counter'] = process.argv.slice(2)
// readOnly: this program follows the pool of another one.
const pt = await openStore({ name, readOnly: true })

console.log(`${name} is ${JSON.stringify(pt)}`)
pt.$on('change', ({ name, value, previous, origin }) => {
  console.log(`${name}: ${JSON.stringify(previous)} → ${JSON.stringify(value)} (${origin})`)
})
