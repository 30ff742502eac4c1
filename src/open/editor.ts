import type { EditRequest } from '../contracts/backend.ts'
import type { EditorLink } from '../contracts/editor-link.ts'
import { encodeText } from '../format/bytes.ts'
import type { JsonObject, JsonValue } from '../format/json.ts'
import { parseJson } from '../format/parse-json.ts'
import { joinPayload } from '../format/payload.ts'
import { PersistError, type PersistErrorCode } from '../runtime/errors.ts'
import { Variables } from '../variables/variables.ts'

/** Which way a change went: the owner of the pool made it, or the editor wrote the pool itself, nobody owning it. */
export type EditWay = 'owner' | 'direct'

/** How one change is made. */
export interface EditOptions {
  /** Writes the pool itself where its owner does not answer, or without asking it. @default false */
  force?: boolean | undefined
}

/** Changes the pool of another program, through that program where it runs. */
export interface Editor<T extends object = JsonObject> {
  /**
   * Applies a JSON merge patch (RFC 7396): null removes a variable, maps are merged, everything else replaces.
   *
   * Resolves when it is saved and confirmed. Several editors may patch at once and lose nothing; but where nobody owns the
   * pool, and the broker has no one order for all (NATS), one of two at the same moment may be lost.
   * @throws {PersistError} ERR_PERSIST_NO_ANSWER, _NOT_STORABLE, _RESERVED_NAME, _TOO_LARGE, _SCHEMA, _TIMEOUT, _DENIED
   */
  patch(patch: MergePatch<T>, options?: EditOptions): Promise<{ way: EditWay }>
  /**
   * Sets variables as a whole, and resolves when that is saved and confirmed; null is a value, here and inside.
   *
   * @throws {PersistError} as patch()
   */
  assign(values: Partial<T>, options?: EditOptions): Promise<{ way: EditWay }>
  /**
   * Replaces all variables by these at once: what is not among them is removed.
   *
   * @throws {PersistError} as patch()
   */
  replace(values: T, options?: EditOptions): Promise<{ way: EditWay }>
  /**
   * Adds to a number, and resolves with the sum when that is saved; a variable that is not there counts as 0.
   *
   * Atomic while an owner lives; without one, of two editors at the same moment one may be lost.
   * @throws {PersistError} as patch(); ERR_PERSIST_NOT_STORABLE where the variable is no number
   */
  increment(name: keyof T & string, by?: number, options?: EditOptions): Promise<{ way: EditWay; value: number }>
  /** Lets go of the connection. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** What may be changed of a value: parts of maps, and null for what is to be removed. */
export type MergePatch<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Name in keyof T]?: MergePatch<T[Name]> | null }
    : T

/** What an editor needs of the place where the pool is. */
export interface EditorHost {
  readonly link: EditorLink
  /** How long the owner's answer is waited for, in milliseconds. */
  readonly answerTimeoutMs: number
  /** Makes a change as the owner would, in a store that is opened for it. */
  direct(request: EditRequest): Promise<Uint8Array>
  readonly compat: 'tasmota' | undefined
}

/** Makes an editor. */
export function editorOf(host: EditorHost): Editor {
  let isClosed = false
  const edit = async (kind: EditRequest['kind'], variables: object, { force = false }: EditOptions = {}) => {
    if (isClosed) throw new PersistError('ERR_PERSIST_CLOSED', `The editor of ${host.link.label} is closed.`)
    const bytes = encodeText(jsonOf(variables, host.compat))
    const request = { kind, bytes }
    const answered = force ? 'nobody' : await host.link.ask(request, host.answerTimeoutMs)
    const way: EditWay = answered === 'nobody' ? 'direct' : 'owner'
    const answer = answered === 'nobody' ? await host.direct({ ...request, isAnswered: true }) : answered
    return { way, values: valuesIn(answer, host.link.label) }
  }
  const close = () => {
    isClosed = true
    return host.link.close()
  }
  return {
    async patch(patch, options) {
      const { way } = await edit('patch', patch, options)
      return { way }
    },
    async assign(values, options) {
      const { way } = await edit('assign', values, options)
      return { way }
    },
    async replace(values, options) {
      const { way } = await edit('replace', values, options)
      return { way }
    },
    async increment(name, by = 1, options) {
      const { way, values } = await edit('increment', { [name]: by }, options)
      return { way, value: values[name] as number }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The JSON of what is to be changed; throws ERR_PERSIST_NOT_STORABLE where a store could not hold it. */
function jsonOf(changes: object, compat: 'tasmota' | undefined): string {
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
    const text = 'A patch must be an object of variables: patch({ x: 5 }). Nothing was changed.'
    throw new PersistError('ERR_PERSIST_NOT_STORABLE', text, { received: changes })
  }
  // The very checks that a store makes of what is assigned to it.
  const scratch = new Variables(
    { put() {}, remove() {} },
    { tasmota: compat === 'tasmota', assertWritable() {} },
    () => {},
  )
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) {
      const text = `${JSON.stringify(name)} is undefined in this patch; null removes a variable. Nothing was changed.`
      throw new PersistError('ERR_PERSIST_NOT_STORABLE', text, { path: name })
    }
    scratch.set(name, value)
  }
  return joinPayload(scratch.unsaved.texts())
}

/** The values in an answer, where there are any; throws the error that it tells of. */
function valuesIn(answer: Uint8Array, store: string): JsonObject {
  let content: { ok?: unknown; values?: JsonValue; error?: { code?: unknown; message?: unknown } } | null
  try {
    // Names of variables are in it.
    content = parseJson(new TextDecoder().decode(answer)) as typeof content
  } catch {
    content = null
  }
  if (content?.ok === true) return (content.values ?? {}) as JsonObject
  const { code, message } = content?.error ?? {}
  const isKnown = typeof code === 'string' && /^ERR_PERSIST_[A-Z_]+$/.test(code)
  const told = typeof message === 'string' ? message : 'its answer cannot be read'
  throw new PersistError(
    isKnown ? (code as PersistErrorCode) : 'ERR_PERSIST_FAILED',
    `What was asked of the pool of ${store} has failed: ${told}`,
    { store },
  )
}
