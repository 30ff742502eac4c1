import type { EditRequest } from '../contracts/backend.ts'
import { encodeText } from '../format/bytes.ts'
import { type JsonObject, put, sameJson } from '../format/json.ts'
import { joinPayload } from '../format/payload.ts'
import { assignEdits, type Edits, incrementEdits, patchEdits } from '../merge/merge-patch.ts'
import { asPersistError, PersistError, type PersistErrorCode } from '../runtime/errors.ts'
import { deferred } from '../runtime/promises.ts'
import { VERSION_NAME } from '../schema/migration.ts'
import type { Variables } from '../variables/variables.ts'
import type { Watching } from './change-events.ts'
import { reservedBecause } from './members.ts'
import type { Saving } from './saving.ts'
import type { PoolToSend } from './size-limit.ts'

/** No message of ours is longer; names of variables are in it, which may be. In characters. */
const LONGEST_MESSAGE = 1000

/** What doing what editors ask for needs of the store around it. */
export interface EditingHost {
  /** Name and place, for messages. */
  readonly label: string
  readonly variables: Variables
  readonly watching: Watching
  readonly saving: Saving
  assertWritable(): void
  /** Throws what keeps a pool from being sent. */
  check(pool: PoolToSend): void
  trouble(error: PersistError): void
}

/** Does what editors ask the owner of a pool for, in the order in which they ask. */
export class Editing {
  readonly #host: EditingHost
  readonly #begun = deferred<void>()
  /** The names of all variables that editors have changed. */
  readonly edited: Set<string> = new Set()
  #isBegun = false
  #isStopped = false

  constructor(host: EditingHost) {
    this.#host = host
  }

  /** The pool has been looked at; what was asked before is done now, or refused for what was found. */
  begin(): void {
    this.#isBegun = true
    this.#begun.resolve()
  }

  /** The store is being closed: what is asked from now on is left to whoever owns the pool next. */
  stop(): void {
    this.#isStopped = true
  }

  /** Resolves with the answer, as JSON: when all is saved and confirmed, or with why nothing was changed. */
  async requested({ kind, bytes, isAnswered }: EditRequest): Promise<Uint8Array> {
    const { label, trouble, saving } = this.#host
    if (!this.#isBegun) await this.#begun.promise
    let done: object
    try {
      done = this.#do(kind, bytes)
    } catch (thrown) {
      const error = asPersistError(thrown, label, 'edited')
      // Somebody has to hear of it.
      if (!isAnswered) trouble(error)
      return refusal(error.code, error.message)
    }
    try {
      await saving.save()
      return answer({ ok: true, ...done })
    } catch (thrown) {
      // An 'error' event already.
      const { code, message } = asPersistError(thrown, label, 'saved')
      // ERR_PERSIST_CLOSED is for what has not been begun; of this it is not known whether it was kept.
      const told = code === 'ERR_PERSIST_CLOSED' ? 'ERR_PERSIST_TIMEOUT' : code
      return refusal(told, `The owner has made the change, but it is not confirmed: ${message}`)
    }
  }

  /** What is told about it beside that it was done. */
  #do(kind: EditRequest['kind'], bytes: Uint8Array): object {
    const { label, variables } = this.#host
    if (this.#isStopped) {
      const text = `Store ${label} is being closed. Nothing was changed.`
      throw new PersistError('ERR_PERSIST_CLOSED', text, { store: label })
    }
    this.#host.assertWritable()
    const current = (name: string) => variables.get(name)
    if (kind === 'patch') {
      this.#apply(patchEdits(bytes, current, label))
      return {}
    }
    if (kind === 'increment') {
      const sums = incrementEdits(bytes, current, label)
      this.#apply(sums)
      return { values: Object.fromEntries(sums) }
    }
    // The version is of the pool's shape, and goes with whoever owns it.
    const others = kind === 'assign' ? [] : variables.names().filter((name) => name !== VERSION_NAME)
    this.#apply(assignEdits(bytes, others, label))
    return {}
  }

  /** Synchronous: whoever asks next finds what this one has done. */
  #apply(asked: Edits): void {
    const { variables, watching } = this.#host
    // What is as it is asked to be is no change, and nobody is to be told of one.
    const edits = new Map([...asked].filter(([name, value]) => !sameJson(value, variables.get(name))))
    for (const [name, value] of edits) if (value !== undefined || name === VERSION_NAME) assertAllowed(name)
    // Before anything changes: a pool that cannot be saved would keep its owner from ever saving again.
    this.#host.check(edited(edits, variables))
    // Our own changes so far are told before theirs, which have another origin.
    watching.flush()
    variables.edit(edits)
    for (const name of edits.keys()) this.edited.add(name)
    watching.flush()
  }
}

/**
 * Removing a variable that somebody has called like a member of the store is allowed, making one is not. Without its
 * version a pool would be migrated once more.
 */
function assertAllowed(name: string): void {
  const reason = reservedBecause(name)
  if (reason === undefined) return
  const text = `No variable can be called ${JSON.stringify(name)}: ${reason}. Nothing was changed.`
  throw new PersistError('ERR_PERSIST_RESERVED_NAME', text, { path: name })
}

/** The pool as it would be. */
function edited(edits: Edits, variables: Variables): PoolToSend {
  const texts = new Map(variables.texts())
  for (const [name, value] of edits) {
    if (value === undefined) texts.delete(name)
    else texts.set(name, JSON.stringify(value))
  }
  const values = () => {
    const pool: JsonObject = { ...variables.snapshot() }
    for (const [name, value] of edits) {
      if (value === undefined) delete pool[name]
      else put(pool, name, value)
    }
    return pool
  }
  return { sizeBytes: encodeText(joinPayload(texts)).length, texts: () => texts, values }
}

function refusal(code: PersistErrorCode, message: string): Uint8Array {
  const isShort = message.length <= LONGEST_MESSAGE
  return answer({ ok: false, error: { code, message: isShort ? message : `${message.slice(0, LONGEST_MESSAGE)}…` } })
}

function answer(content: object): Uint8Array {
  return encodeText(JSON.stringify(content))
}
