import type {
  Copy,
  Done,
  Edit,
  Failure,
  Force,
  ImportPlan,
  PoolContent,
  PoolState,
  Replace,
  Restore,
  Restored,
  SearchResult,
  VariableText,
} from '../protocol.ts'
import { texts } from './texts.ts'

/** The server has refused a request, or could not be reached (status 0). */
export class RequestFailed extends Error {
  readonly status: number
  readonly code: string
  readonly current: readonly VariableText[]

  constructor(status: number, { code, message, current = [] }: Failure['error'], options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.code = code
    this.current = current
  }
}

export const poolContent = (name: string): Promise<PoolContent> => get(`pools/${encodeURIComponent(name)}`)
export const poolHistory = (name: string): Promise<PoolState[]> => get(`pools/${encodeURIComponent(name)}/history`)
export const editPool = (name: string, edit: Edit): Promise<Done> => post(name, 'edit', edit)
export const replacePool = (name: string, replace: Replace): Promise<Done> => post(name, 'replace', replace)
export const zeroPool = (name: string, force: Force): Promise<Done> => post(name, 'zero', force)
export const deletePool = (name: string, force: Force): Promise<Done> => post(name, 'delete', force)
export const copyPool = (name: string, copy: Copy): Promise<Done> => post(name, 'copy', copy)
export const searchPools = (text: string, signal: AbortSignal): Promise<SearchResult> =>
  get(`search?q=${encodeURIComponent(text)}`, signal)
export const compareBackup = (backup: string): Promise<ImportPlan> =>
  asked('backup/compare', { method: 'POST', body: backup }).then(jsonOf<ImportPlan>)
export const restoreBackup = (restore: Restore): Promise<Restored[]> =>
  asked('backup/restore', { method: 'POST', body: JSON.stringify(restore) }).then(jsonOf<Restored[]>)

/** The address from which the browser downloads a backup of these pools, or all. */
export function backupAddress(names: readonly string[] = []): string {
  return `api/backup?${names.map((name) => `name=${encodeURIComponent(name)}`).join('&')}`
}

/** Calls a function with each line of a streamed response. */
export async function eachLine<Line>(path: string, signal: AbortSignal, onLine: (line: Line) => void): Promise<void> {
  const { body } = await asked(path, { signal })
  if (body === null) return
  let rest = ''
  for await (const part of textsOf(body)) {
    const lines = (rest + part).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(JSON.parse(line) as Line)
  }
}

/** The texts of a stream; not every browser can iterate over streams. */
async function* textsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw unreachable(error)
    })
    if (done) return
    yield decoder.decode(value, { stream: true })
  }
}

async function get<Result>(path: string, signal?: AbortSignal): Promise<Result> {
  return jsonOf<Result>(await asked(path, signal === undefined ? {} : { signal }))
}

async function post<Result>(name: string, action: string, body: object): Promise<Result> {
  const path = `pools/${encodeURIComponent(name)}/${action}`
  return jsonOf<Result>(await asked(path, { method: 'POST', body: JSON.stringify(body) }))
}

function jsonOf<Result>(response: Response): Promise<Result> {
  return response.json() as Promise<Result>
}

function unreachable(cause: unknown): RequestFailed {
  return new RequestFailed(0, { code: 'UNREACHABLE', message: texts.unreachable }, { cause })
}

async function asked(path: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(`api/${path}`, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw unreachable(error)
  }
  if (response.ok) return response
  const failure = (await response.json().catch(() => undefined)) as Failure | undefined
  throw new RequestFailed(response.status, failure?.error ?? { code: 'FAILED', message: texts.failed(response.status) })
}
