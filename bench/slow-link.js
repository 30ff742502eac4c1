// @ts-check
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/**
 * A TCP proxy on the way to a server that takes its time, in each direction half a round trip.
 *
 * It accepts connections at once, and takes all bytes: what is measured through it are the round trips of the protocol,
 * and nothing of what TCP holds back (far-link.js measures that).
 * @param {number} port the server's
 * @param {number} roundTripMs
 */
export async function slowLink(port, roundTripMs) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set()
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    pass(client, upstream)
    pass(upstream, client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  /** @param {import('node:net').Socket} from @param {import('node:net').Socket} to */
  function pass(from, to) {
    sockets.add(from)
    // Timers of the same length fire in the order in which they were set: so bytes stay in order.
    const later = (/** @type {() => void} */ step) => setTimeout(step, roundTripMs / 2)
    from.on('data', (bytes) => later(() => to.writable && to.write(bytes)))
    from.on('end', () => later(() => to.end()))
    from.on('error', () => to.destroy())
    from.on('close', () => sockets.delete(from))
  }
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    port: address.port,
    async stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
