// @ts-check
// The same store without a broker, in a JSON file: the import is all that differs from counter.js.
import { openStore } from 'persist-mqtt/file'

const [file = 'example-counter.json'] = process.argv.slice(2)
const pt = await openStore({ name: 'example-counter', file, defaults: { counter: 0 } })
pt.counter += 1
await pt.save()
console.log(`Started ${pt.counter} times.`)
