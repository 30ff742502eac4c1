import type { EditRequest } from '../contracts/backend.ts'
import { encodeText } from '../format/bytes.ts'
import { type ExactJson, plain, printExactLike } from '../format/exact-json.ts'
import { type JsonObject, type JsonValue, put, sameJson } from '../format/json.ts'
import { readRequest, requested } from '../merge/merge-patch.ts'
import { asPersistError, PersistError, type PersistErrorCode } from '../runtime/errors.ts'
import { deferred } from '../runtime/promises.ts'
import { atOnce, inSlices, type Steps } from '../runtime/slices.ts'
import { VERSION_NAME } from '../schema/migration.ts'
import type { Edit, Variables } from '../variables/variables.ts'
import type { ChangeEvents } from './change-events.ts'
import type { StoreContext } from './context.ts'
import { reservedBecause } from './members.ts'
import type { Saving } from './saving.ts'
import type { PoolToSave } from './size-limit.ts'
import type { Validation } from './validation.ts'

/** An answer's message is at most this long, in characters: it repeats names of variables, and those may be longer. */
const LONGEST_MESSAGE = 1000

/** The parts of a store that editing needs, beside what all of them have. */
interface EditRequestsParts {
  readonly saving: Saving
  readonly changeEvents: ChangeEvents
  readonly validation: Validation
}

/** What a request changes, and the sums of an increment. */
interface Prepared {
  readonly edits: readonly Edit[]
  readonly sums: ReadonlyMap<string, number>
}

/** Makes the changes that editors ask the owner of a pool for, in the order in which they ask. */
export class EditRequests {
  readonly #context: StoreContext
  readonly #parts: EditRequestsParts
  readonly #begun = deferred<void>()
  /** Of a guest: the names of all variables that it was asked to change. */
  readonly edited: Set<string> = new Set()
  /** What was asked last, while it is being done. */
  #last: Promise<unknown> | undefined
  #isBegun = false
  #isStopped = false

  constructor(context: StoreContext, parts: EditRequestsParts) {
    this.#context = context
    this.#parts = parts
  }

  /** The store is open, or failed to open: it now answers what editors asked before. */
  begin(): void {
    this.#isBegun = true
    this.#begun.resolve()
  }

  /** The store is being closed: it leaves what editors ask from now on to the next owner. */
  stop(): void {
    this.#isStopped = true
  }

  /** Resolves with the answer as JSON: when the backend holds the change, or with why nothing was changed. */
  async requested({ kind, bytes, isAnswered }: EditRequest): Promise<Uint8Array> {
    const { storeName, report } = this.#context
    if (!this.#isBegun) await this.#begun.promise
    let done: object
    try {
      const doing = this.#inTurn(() => inSlices(this.#do(kind, bytes)))
      // Not awaited where it is done already: its save begins at once.
      done = doing instanceof Promise ? await doing : doing
    } catch (thrown) {
      const error = asPersistError(thrown, storeName, 'edited')
      // Where no editor waits for the answer, the owner's program must hear of the failure.
      if (!isAnswered) report(error)
      return refusal(error.code, error.message)
    }
    try {
      await this.#parts.saving.save()
      return answer({ ok: true, ...done })
    } catch (thrown) {
      // saving.save() has emitted the 'error' event.
      const { code, message } = asPersistError(thrown, storeName, 'saved')
      // ERR_PERSIST_CLOSED tells an editor that the owner changed nothing; this change may have been kept.
      const answered = code === 'ERR_PERSIST_CLOSED' ? 'ERR_PERSIST_TIMEOUT' : code
      return refusal(answered, `The owner has made the change, but it is not confirmed: ${message}`)
    }
  }

  /** Runs it when all that was asked before is done: now, mostly. */
  #inTurn<Result>(run: () => Result | Promise<Result>): Result | Promise<Result> {
    const result = this.#last === undefined ? run() : this.#last.then(run)
    if (!(result instanceof Promise)) return result
    const last = result
      .catch(() => {})
      .then(() => {
        if (this.#last === last) this.#last = undefined
      })
    this.#last = last
    return result
  }

  /**
   * Makes the change; returns what the answer has beside `ok`. In steps before and after, which are most of the work: the
   * request is read and compared, and what it has changed is encoded.
   */
  *#do(kind: EditRequest['kind'], bytes: Uint8Array): Steps<object> {
    const { storeName, variables, unsaved } = this.#context
    this.#assertOpen()
    const asked = yield* readRequest(kind, bytes, storeName)
    const added = yield* variables.prepare(asked.keys(), kind === 'replace' ? Number.POSITIVE_INFINITY : asked.size)
    try {
      const before = variables.changeCount
      const prepared = yield* this.#edits(kind, asked)
      // Where something has changed meanwhile, they may be others.
      const { edits, sums } = variables.changeCount === before ? prepared : atOnce(this.#edits(kind, asked))
      this.#apply(edits)
      return kind === 'increment' ? { values: Object.fromEntries(sums) } : {}
    } finally {
      unsaved.release(added)
      yield* unsaved.encode()
    }
  }

  #assertOpen(): void {
    const { storeName, state } = this.#context
    if (this.#isStopped) {
      const text = `Store ${storeName} is being closed. Nothing was changed.`
      throw new PersistError('ERR_PERSIST_CLOSED', text, { store: storeName })
    }
    state.assertWritable()
  }

  /** What a request changes, in steps; and the sums of an increment. */
  *#edits(kind: EditRequest['kind'], asked: ReadonlyMap<string, ExactJson>): Steps<Prepared> {
    const { variables, unsaved } = this.#context
    const edits: Edit[] = []
    const sums = new Map<string, number>()
    const isHeld = (name: string, value: ExactJson | undefined, current: JsonValue | undefined) => {
      const plainValue = value === undefined ? undefined : plain(value)
      if (!sameJson(plainValue, current)) return false
      // Two numbers that JavaScript rounds to the same one are two.
      return (
        value === undefined || plainValue === value || printExactLike(value, unsaved.text(name)) === unsaved.text(name)
      )
    }
    const add = (name: string, value: ExactJson | undefined, current: JsonValue | undefined) => {
      // A variable that already has the value does not change, and listeners hear of no change.
      if (isHeld(name, value, current)) return
      if (value !== undefined || name === VERSION_NAME) assertAllowed(name)
      edits.push(variables.editOf(name, value))
    }
    for (const [name, part] of asked) {
      const current = variables.get(name)
      const value = requested(kind, name, part, current, () => unsaved.text(name))
      if (kind === 'increment') sums.set(name, value as number)
      add(name, value, current)
      yield
    }
    if (kind !== 'replace') return { edits, sums }
    for (const name of variables.names()) {
      // The version tells the pool's shape: it belongs to the owner.
      if (name !== VERSION_NAME && !asked.has(name)) add(name, undefined, variables.get(name))
      yield
    }
    return { edits, sums }
  }

  /** In one step: nobody sees half of it, and the next request finds what this one has changed. */
  #apply(edits: readonly Edit[]): void {
    const { variables, options, revisions } = this.#context
    const { validation, changeEvents } = this.#parts
    // It may be closed by now.
    this.#assertOpen()
    // Before anything changes: a pool that cannot be saved would keep its owner from ever saving again.
    validation.assertSavable(edited(edits, variables, revisions.sizeBytes))
    // Listeners hear of this program's changes first: the editor's have another origin.
    changeEvents.flush()
    variables.edit(edits)
    // Only guests ask.
    if (options.isGuest) for (const { name } of edits) this.edited.add(name)
    changeEvents.flush()
  }
}

/** Editors may remove a variable that another writer called like a member of the store; they may not make one. */
function assertAllowed(name: string): void {
  const reason = reservedBecause(name)
  if (reason === undefined) return
  const text = `No variable can be called ${JSON.stringify(name)}: ${reason}. Nothing was changed.`
  throw new PersistError('ERR_PERSIST_RESERVED_NAME', text, { path: name })
}

/** The pool as it would be after the edits. */
function edited(edits: readonly Edit[], variables: Variables, revisionBytes: number): PoolToSave {
  const { unsaved } = variables
  const texts = () => {
    const pool = new Map(unsaved.texts())
    for (const { name, text } of edits) {
      if (text === undefined) pool.delete(name)
      else pool.set(name, text)
    }
    return pool
  }
  const values = () => {
    const pool: JsonObject = { ...variables.snapshot() }
    for (const { name, value } of edits) {
      if (value === undefined) delete pool[name]
      else put(pool, name, value)
    }
    return pool
  }
  return { sizeBytes: unsaved.sizeWith(edits) + revisionBytes, texts, values }
}

function refusal(code: PersistErrorCode, message: string): Uint8Array {
  const isShort = message.length <= LONGEST_MESSAGE
  return answer({ ok: false, error: { code, message: isShort ? message : `${message.slice(0, LONGEST_MESSAGE)}…` } })
}

function answer(content: object): Uint8Array {
  return encodeText(JSON.stringify(content))
}
