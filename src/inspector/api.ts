import { encodeText } from '../format/bytes.ts'
import { isMap, type JsonObject } from '../format/json.ts'
import { examine } from '../pools/doctor.ts'
import type { Pools } from '../pools/pools.ts'
import { eventStream } from './event-stream.ts'
import { badRequest, failureOf, RequestError } from './failure.ts'
import type { LivePools } from './live-pools.ts'
import { PoolEdits } from './pool-edits.ts'
import type { Copy, Edit, Replace, Restore, VariableText } from './protocol.ts'
import { bodyText } from './request-body.ts'
import { search } from './search.ts'
import { Transfer } from './transfer.ts'

/** What the API needs. */
export interface ApiHost {
  readonly pools: Pools
  readonly livePools: LivePools
  readonly isReadOnly: boolean
}

/** The largest request body, in bytes: a backup of some thousand pools. */
const LIMIT_BYTES = 64 * 2 ** 20

type Handler = (request: Request, name: string, url: URL) => unknown

interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: RegExp
  /** Does it write to the broker? @default true for POST */
  readonly isWriting?: boolean
  readonly handle: Handler
}

/** Answers a request for a path that begins with `api/`; never rejects. */
export type Api = (request: Request, path: string) => Promise<Response>

/** All that the page asks for. */
export function makeApi({ pools, livePools, isReadOnly }: ApiHost): Api {
  const edits = new PoolEdits(pools, livePools)
  const transfer = new Transfer(pools, livePools, edits)
  const routes: readonly Route[] = [
    get('live', (request) => streamed('text/event-stream', events(request))),
    get('search', (_request, _name, url) => search(livePools, url.searchParams.get('q') ?? '')),
    // The doctor writes, on topics of its own.
    { ...get('doctor', (request) => streamed('application/x-ndjson', checks(request.signal))), isWriting: true },
    get('backup', (_request, _name, url) => backup(url.searchParams.getAll('name'))),
    { ...post('backup/compare', async (request) => transfer.compare(await textOf(request))), isWriting: false },
    post('backup/restore', async (request) => transfer.restore(await restoreIn(request), request.signal)),
    get('pools/:name', (_request, name) => livePools.content(name) ?? notFound(name)),
    get('pools/:name/history', (_request, name) => livePools.history(name)),
    post('pools/:name/edit', async (request, name) => edits.edit(name, await editIn(request))),
    post('pools/:name/replace', async (request, name) => edits.replace(name, await replaceIn(request))),
    post('pools/:name/zero', async (request, name) => edits.zero(name, forceIn(await bodyOf(request)))),
    post('pools/:name/delete', async (request, name) => edits.delete(name, forceIn(await bodyOf(request)))),
    post('pools/:name/copy', async (request, name) => edits.copy(name, await copyIn(request))),
  ]

  const events = (request: Request) => eventStream(livePools, request.headers.get('last-event-id'), request.signal)

  const checks = (signal: AbortSignal) => {
    return new ReadableStream<Uint8Array>({
      async start(controller) {
        const tell = (line: object) => signal.aborted || controller.enqueue(encodeText(`${JSON.stringify(line)}\n`))
        await examine(pools, signal, tell).catch((error: unknown) => tell(failureOf(error).failure))
        controller.close()
      },
    })
  }

  const backup = (names: readonly string[]) => {
    const day = new Date().toISOString().slice(0, 10)
    const file = `persist-mqtt-${day}.jsonl`
    const headers = {
      'content-type': 'application/x-ndjson',
      'content-disposition': `attachment; filename="${file}"`,
    }
    return new Response([...transfer.backup(names)].join(''), { headers })
  }

  return async (request, path) => {
    try {
      const url = new URL(request.url)
      for (const route of routes) {
        const match = route.path.exec(path)
        if (match === null || route.method !== request.method) continue
        if (isReadOnly && (route.isWriting ?? route.method === 'POST')) {
          throw new RequestError(403, 'READ_ONLY', 'This inspector only shows: it was started with --read-only.')
        }
        const result = await route.handle(request, decodedName(match.groups?.name ?? ''), url)
        return result instanceof Response ? result : Response.json(result)
      }
      throw new RequestError(404, 'NOT_FOUND', 'There is nothing at this address.')
    } catch (thrown) {
      const { status, failure } = failureOf(thrown)
      return Response.json(failure, { status })
    }
  }
}

function get(path: string, handle: Handler): Route {
  return { method: 'GET', path: patternOf(path), handle }
}

function post(path: string, handle: Handler): Route {
  return { method: 'POST', path: patternOf(path), handle }
}

function patternOf(path: string): RegExp {
  return new RegExp(`^api/${path.replace(':name', '(?<name>[^/]+)')}$`)
}

function decodedName(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch (cause) {
    throw badRequest('The name of the pool is not encoded as encodeURIComponent() does it.', cause)
  }
}

function notFound(name: string): never {
  throw new RequestError(404, 'NOT_FOUND', `There is no pool ${name}.`)
}

function streamed(type: string, body: ReadableStream<Uint8Array>): Response {
  return new Response(body, { headers: { 'content-type': type } })
}

const textOf = (request: Request) => bodyText(request, LIMIT_BYTES)

async function bodyOf(request: Request): Promise<JsonObject> {
  let body: unknown
  try {
    body = JSON.parse(await textOf(request))
  } catch (error) {
    if (error instanceof RequestError) throw error
    throw badRequest('The body of the request is no JSON.', error)
  }
  if (!isMap(body)) throw badRequest('The body of the request is no object.')
  return body
}

function forceIn({ force = false }: JsonObject): { force: boolean } {
  if (typeof force !== 'boolean') throw badRequest('force must be true or false.')
  return { force }
}

async function editIn(request: Request): Promise<Edit> {
  const body = await bodyOf(request)
  const { set, seen = [] } = body
  if (!areVariables(set) || !areVariables(seen)) throw badRequest('set and seen must be lists of [name, text or null].')
  return { set, seen, ...forceIn(body) }
}

function areVariables(value: unknown): value is VariableText[] {
  const isVariable = (one: unknown) =>
    Array.isArray(one) &&
    one.length === 2 &&
    typeof one[0] === 'string' &&
    (one[1] === null || typeof one[1] === 'string')
  return Array.isArray(value) && value.every(isVariable)
}

async function replaceIn(request: Request): Promise<Replace> {
  const body = await bodyOf(request)
  if (typeof body.text !== 'string') throw badRequest('text must be a string.')
  return { text: body.text, ...forceIn(body) }
}

async function copyIn(request: Request): Promise<Copy> {
  const body = await bodyOf(request)
  const { to, isMove = false } = body
  if (typeof to !== 'string' || typeof isMove !== 'boolean')
    throw badRequest('to must be a name, isMove true or false.')
  return { to, isMove, ...forceIn(body) }
}

async function restoreIn(request: Request): Promise<Restore> {
  const body = await bodyOf(request)
  const { backup, names } = body
  const areNames = Array.isArray(names) && names.every((name) => typeof name === 'string')
  if (typeof backup !== 'string' || !areNames) throw badRequest('backup must be a text, names a list of names.')
  return { backup, names, ...forceIn(body) }
}
