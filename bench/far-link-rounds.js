// @ts-check
// What far-link.js runs in a network namespace of its own: prints the results as JSON.
import { once } from 'node:events'
import { connect } from 'node:net'
import { CLIENTS, firstSaveCase, openingCase, retainPool } from './clients.js'
import { interleaved } from './rounds.js'
import { mosquitto } from './servers.js'

const ROUNDS = 5
const ROUND_TRIP_MS = Number(process.argv[2])
// Elsewhere it would put an interface into the network of this machine.
if (!(ROUND_TRIP_MS > 0)) throw new Error('far-link.js runs this program, in a network of its own')

/** Of the addresses that are there for benchmarks (RFC 2544). @param {string} network @param {string[]} config */
function farMosquitto(network, config) {
  const command = ['python3', new URL('far-away.py', import.meta.url).pathname, String(ROUND_TRIP_MS / 2), network]
  return mosquitto(['persistence false', ...config], { host: `${network}.2`, command })
}

/** @type {Record<string, { tcp: number, opening: number, saving: number }>} */
const results = {}
const brokers = {
  asItComes: await farMosquitto('198.18.1', []),
  noDelay: await farMosquitto('198.18.2', ['set_tcp_nodelay true']),
}
for (const broker of Object.values(brokers)) await retainPool(broker)
const ways = Object.entries(brokers).flatMap(([where, at]) =>
  Object.entries(CLIENTS).map(([who, open]) => ({ name: `${who} ${where}`, open: () => open(at) })),
)
const { host, port } = brokers.noDelay
const tcp = {
  times: 1,
  async run() {
    const socket = connect({ host, port })
    await once(socket, 'connect')
    socket.destroy()
  },
}
const opening = await interleaved(
  { tcp, ...Object.fromEntries(ways.map(({ name, open }) => [name, openingCase(open)])) },
  ROUNDS,
)
const saving = await interleaved(Object.fromEntries(ways.map(({ name, open }) => [name, firstSaveCase(open)])), ROUNDS)
for (const { name } of ways) {
  results[name] = { tcp: opening.median('tcp'), opening: opening.median(name), saving: saving.median(name) }
}
console.log(JSON.stringify(results))
process.exit()
