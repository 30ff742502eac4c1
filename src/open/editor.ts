// For Symbol.asyncDispose, also in programs that are compiled for an older library.
/// <reference lib="esnext.disposable" preserve="true" />
import type { EditRequest } from '../contracts/backend.ts'
import type { EditorLink } from '../contracts/editor-link.ts'
import { encodeText } from '../format/bytes.ts'
import { type JsonObject, type JsonValue, MAX_POOL_BYTES } from '../format/json.ts'
import { parseJson } from '../format/parse-json.ts'
import { decodeObject, joinPayload } from '../format/payload.ts'
import { PersistError, type PersistErrorCode } from '../runtime/errors.ts'
import { Variables } from '../variables/variables.ts'

/** Who made a change: the owner of the pool, or the editor itself ('direct'), where no program owned the pool or with `force`. */
export type EditWay = 'owner' | 'direct'

export interface EditOptions {
  /** The editor writes the pool itself, without asking the owner. @default false */
  force?: boolean | undefined
}

/** Changes the pool of another program, its owner, through that program where it runs. */
export interface Editor<T extends object = JsonObject> {
  /**
   * Applies a JSON merge patch (RFC 7396): null removes a variable, maps are merged, everything else replaces.
   *
   * Resolves when the backend holds the change. Several editors may patch at once and lose nothing. Only where no program
   * owns the pool, and the broker delivers in different orders (NATS), what one of two editors patches at the same moment
   * may be lost.
   * @param patch an object; or its JSON text, in which numbers may have more digits than JavaScript has for them
   * @throws {PersistError} ERR_PERSIST_NO_ANSWER, _NOT_STORABLE, _RESERVED_NAME, _TOO_LARGE, _SCHEMA, _TIMEOUT, _DENIED
   */
  patch(patch: MergePatch<T> | string, options?: EditOptions): Promise<{ way: EditWay }>
  /**
   * Sets variables as a whole, and resolves when the backend holds them; null is a value, at the top and inside.
   *
   * @throws {PersistError} as patch()
   */
  assign(values: Partial<T> | string, options?: EditOptions): Promise<{ way: EditWay }>
  /**
   * Replaces all variables by these at once, and removes all others; resolves when the backend holds them.
   *
   * @throws {PersistError} as patch()
   */
  replace(values: T | string, options?: EditOptions): Promise<{ way: EditWay }>
  /**
   * Adds to a number, and resolves with the sum when the backend holds it; a missing variable counts as 0.
   *
   * Atomic while an owner runs; without one, of two editors that add at the same moment one may lose its addition.
   * @param by @default 1
   * @throws {PersistError} as patch(); ERR_PERSIST_NOT_STORABLE: the variable is no number
   */
  increment(name: keyof T & string, by?: number, options?: EditOptions): Promise<{ way: EditWay; value: number }>
  /** Closes the connection; never rejects. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** A merge patch of a value: any part of a map, and null for what the editor removes; lists as a whole. */
export type MergePatch<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Name in keyof T]?: MergePatch<T[Name]> | null }
    : T

export interface EditorHost {
  readonly link: EditorLink
  /** How long the editor waits for the owner's answer, in milliseconds. */
  readonly answerTimeoutMs: number
  /** Makes a change as the owner would, in a store that the editor opens for it. */
  direct(request: EditRequest, isForced: boolean): Promise<{ readonly answer: Uint8Array; readonly way: EditWay }>
  readonly compat: 'tasmota' | undefined
}

export function editorOf(host: EditorHost): Editor {
  let isClosed = false
  const edit = async (kind: EditRequest['kind'], variables: object | string, { force = false }: EditOptions = {}) => {
    if (isClosed) throw new PersistError('ERR_PERSIST_CLOSED', `The editor of ${host.link.storeName} is closed.`)
    const bytes = encodeText(jsonOf(variables, host.compat))
    const request = { kind, bytes }
    const answered = force ? 'nobody' : await host.link.ask(request, host.answerTimeoutMs)
    const { answer, way } =
      answered === 'nobody'
        ? await host.direct({ ...request, isAnswered: true }, force)
        : { answer: answered, way: 'owner' as const }
    return { way, values: valuesIn(answer, host.link.storeName) }
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

/** The JSON of a change; throws ERR_PERSIST_NOT_STORABLE for what a store could not hold. */
function jsonOf(given: object | string, compat: 'tasmota' | undefined): string {
  const changes = typeof given === 'string' ? valuesOf(given) : given
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
    const text = 'A patch must be an object of variables: patch({ x: 5 }). Nothing was changed.'
    throw new PersistError('ERR_PERSIST_NOT_STORABLE', text, { received: given })
  }
  // Assigns to variables of no store, which check as a store does.
  const scratch = new Variables(
    { show() {}, changed() {} },
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
  return typeof given === 'string' ? given : joinPayload(scratch.unsaved.texts())
}

function valuesOf(text: string): object {
  const refuse = (reason: string, cause?: unknown) =>
    new PersistError('ERR_PERSIST_NOT_STORABLE', `A patch as text is no JSON of variables: ${reason}.`, {
      received: text,
      cause,
    })
  return decodeObject(encodeText(text), refuse, MAX_POOL_BYTES).values
}

/** The values in an answer, where it has any; throws the error of a refusal. */
function valuesIn(answer: Uint8Array, store: string): JsonObject {
  let content: { ok?: unknown; values?: JsonValue; error?: { code?: unknown; message?: unknown } } | null
  try {
    // parseJson(), because the answer has names of variables.
    content = parseJson(new TextDecoder().decode(answer)) as typeof content
  } catch {
    content = null
  }
  if (content?.ok === true) return (content.values ?? {}) as JsonObject
  const { code, message } = content?.error ?? {}
  const isKnown = typeof code === 'string' && /^ERR_PERSIST_[A-Z_]+$/.test(code)
  const reason = typeof message === 'string' ? message : 'its answer cannot be read'
  throw new PersistError(
    isKnown ? (code as PersistErrorCode) : 'ERR_PERSIST_FAILED',
    `What was asked of the pool of ${store} has failed: ${reason}`,
    { store },
  )
}
