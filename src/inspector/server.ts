import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { deviceLimit } from '../format/device.ts'
import { MAX_POOL_BYTES } from '../format/json.ts'
import type { Pools } from '../pools/pools.ts'
import { VERSION } from '../runtime/version.ts'
import { Access } from './access.ts'
import { makeApi } from './api.ts'
import { LivePools } from './live-pools.ts'
import { PageFiles } from './page-files.ts'
import { makeSite, type Site } from './site.ts'

export interface InspectorOptions {
  readonly pools: Pools
  /** 0 is any free port. */
  readonly port: number
  /** The address to listen on. */
  readonly host: string
  readonly isReadOnly: boolean
  /** What users type; undefined: a token in the address lets them in. */
  readonly password?: string | undefined
  /** Names of this machine that browsers may use, beside localhost and addresses. */
  readonly names?: readonly string[]
  /** PEM; the inspector then speaks https only. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
  /** The directory of the built page. @default beside this file */
  readonly pageDirectory?: string
}

export interface Inspector {
  /** The address of the page, with the token in it where there is no password. */
  readonly url: string
  readonly livePools: LivePools
  /** Resolves when the inspector was closed; rejects with the error that ended it. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/** The built page lies beside this file, when that is built. */
const PAGE = fileURLToPath(new URL('./page', import.meta.url))

/**
 * Starts the inspector; resolves when it listens and knows all pools.
 *
 * @throws {PersistError} the broker cannot be reached
 * @throws {Error} of node:http: the port cannot be opened
 */
export async function startInspector(options: InspectorOptions): Promise<Inspector> {
  const { pools, isReadOnly, password, names = [], tls } = options
  const about = {
    version: VERSION,
    broker: pools.place,
    isReadOnly,
    deviceLimitBytes: deviceLimit(pools.topics.of('x')),
    limitBytes: MAX_POOL_BYTES,
  }
  const files = await PageFiles.read(options.pageDirectory ?? PAGE)
  const livePools = new LivePools(pools, about)
  const stopping = new AbortController()
  const access = new Access({ password, names, isSecure: tls !== undefined })
  const site = makeSite({ access, files, api: makeApi({ pools, livePools, isReadOnly }) })
  const scheme = tls === undefined ? 'http' : 'https'
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse) =>
    void answer(incoming, outgoing, scheme, site, stopping.signal)
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle)
  await listening(server, options)
  let ended: Promise<void> = Promise.resolve()
  try {
    await new Promise<void>((resolve, reject) => {
      ended = livePools.watch(stopping.signal, resolve)
      ended.catch(reject)
    })
  } catch (error) {
    server.close()
    throw error
  }
  const { port } = server.address() as AddressInfo
  const shown = /^(0\.0\.0\.0|::)$/.test(options.host) ? 'localhost' : options.host
  const origin = `${scheme}://${shown.includes(':') ? `[${shown}]` : shown}:${port}/`
  return {
    url: password === undefined ? `${origin}?token=${access.token}` : origin,
    livePools,
    ended,
    async close() {
      stopping.abort()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
      await ended.catch(() => {})
    },
  }
}

function listening(server: Server, { port, host }: InspectorOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Turns Node's request into a Request of the Fetch Standard, and the Response back. */
async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  scheme: string,
  site: Site,
  stopping: AbortSignal,
): Promise<void> {
  const gone = new AbortController()
  outgoing.once('close', () => gone.abort())
  try {
    const request = requestOf(incoming, scheme, AbortSignal.any([gone.signal, stopping]))
    const response = await site(request, incoming.socket.remoteAddress ?? '')
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    if (response.body === null || incoming.method === 'HEAD') outgoing.end()
    else await pipeline(Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]), outgoing)
  } catch {
    // The page has gone, or its request was malformed.
    if (!outgoing.headersSent) outgoing.writeHead(400)
    outgoing.end()
  }
}

function requestOf(incoming: IncomingMessage, scheme: string, signal: AbortSignal): Request {
  const { method = 'GET', url = '/', headers } = incoming
  const list = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  )
  const body =
    method === 'GET' || method === 'HEAD'
      ? {}
      : { body: Readable.toWeb(incoming) as unknown as BodyInit, duplex: 'half' }
  // Whatever stands in the request line, the address is one below this server.
  const address = new URL(`${scheme}://inspector${url.startsWith('/') ? url : '/'}`)
  return new Request(address, { method, headers: list, signal, ...body })
}
