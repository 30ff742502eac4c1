import { isBrowser } from './endpoint.ts'
import { PackageMissing, type Transport, type TransportListener, type TransportSettings } from './transport.ts'
import { openBrowserSocket } from './web-socket.ts'

/**
 * Begins a connection to a broker, by what this platform has.
 *
 * @throws {PackageMissing} for WebSockets on Node without the package ws, and where a file of this package is missing; an Error where the certificates are none
 */
export async function openTransport(settings: TransportSettings, listener: TransportListener): Promise<Transport> {
  if (isBrowser()) return openBrowserSocket(settings, listener)
  const { openOnNode } = await import('./node.ts').catch((error: unknown) => {
    throw new PackageMissing('persist-mqtt', error)
  })
  return openOnNode(settings, listener)
}
