// @ts-check
// What `npm start` runs: a broker and a store in one program. End it in any way, start it again, and it goes on.
import { openStore } from 'persist-mqtt'
import { startBroker } from '../dist/broker/start-broker.js'

const { PERSIST_DATA = '.persist-mqtt', PERSIST_PORT = '1883', PERSIST_WS_PORT = '9001' } = process.env

const broker = await startBroker({
  directory: PERSIST_DATA,
  port: Number(PERSIST_PORT),
  webSocketPort: Number(PERSIST_WS_PORT),
  portFallback: true,
}).catch((error) => {
  console.error(error.message)
  process.exit(1)
})

/** @type {{ starts: number, seconds: number, log: { starts: { at: string, pid: number }[] } }} */
const defaults = { starts: 0, seconds: 0, log: { starts: [] } }
const pt = await openStore({ url: broker.url, name: 'demo', defaults })

pt.starts += 1
pt.log.starts.push({ at: new Date().toISOString(), pid: process.pid })
if (pt.log.starts.length > 10) pt.log.starts.shift()
await pt.save()

console.log(`Start number ${pt.starts}, ${pt.seconds} seconds counted so far.

  Broker     ${broker.url} and ${broker.webSocketUrl}, its messages kept in ${PERSIST_DATA}
  See it     mosquitto_sub -h 127.0.0.1 -p ${new URL(broker.url).port} -v -t 'stat/+/PersistMQTT'

Counting. Press Ctrl-C, or kill -9 ${process.pid} at any moment, and start it again: it goes on where it was.`)

const timer = setInterval(() => {
  pt.seconds += 1
  void pt.save()
  // A terminal shows the last second only; a log file is spared.
  if (process.stdout.isTTY) process.stdout.write(`\r${pt.seconds} seconds `)
}, 1000)

// Ctrl-C needs no code: the store saves, lets go, and then the signal ends the program.
pt.$on('status', ({ state }) => {
  if (state !== 'closed') return
  clearInterval(timer)
  console.log(`\nStopped at ${pt.seconds} seconds.`)
})
