import { reasonOf } from '../../runtime/errors.ts'
import { isBrowser } from './endpoint.ts'
import { CannotBegin, type Transport, type TransportListener, type TransportSettings } from './transport.ts'
import { openBrowserSocket } from './web-socket.ts'

/**
 * Begins a connection to a broker, by what this platform has.
 *
 * @throws {CannotBegin}
 */
export async function openTransport(settings: TransportSettings, listener: TransportListener): Promise<Transport> {
  if (isBrowser()) return openBrowserSocket(settings, listener)
  const { openOnNode } = await import('./node.ts').catch((error: unknown) => {
    const what = `a file of persist-mqtt could not be loaded (${reasonOf(error)})`
    throw new CannotBegin({ what, advice: 'Install it again; a bundle needs the files beside it.' }, { cause: error })
  })
  return openOnNode(settings, listener)
}
