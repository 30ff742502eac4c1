import type { Backend, BackendListener, EditRequest, Held, Stamp } from '../contracts/backend.ts'
import type { JournalMaker } from '../contracts/journal.ts'
import { History } from '../merge/history/history.ts'
import { asPersistError, PersistError, type PersistErrorCode } from '../runtime/errors.ts'
import { KeepAlive } from '../runtime/keep-alive.ts'
import { rejected, within } from '../runtime/promises.ts'
import { warn } from '../runtime/warning.ts'
import { VERSION_NAME } from '../schema/migration.ts'
import type { Shelf } from '../variables/shelf.ts'
import { Variables } from '../variables/variables.ts'
import { Watching } from './change-events.ts'
import { Editing } from './edit-requests.ts'
import { Events, type StoreEvents } from './events.ts'
import { Remote } from './incoming.ts'
import { StoreJournal } from './journaling.ts'
import { Upgrade } from './migrating.ts'
import { Opening } from './opening.ts'
import type { ResolvedOptions } from './options.ts'
import { Readiness } from './readiness.ts'
import { Saving } from './saving.ts'
import { checkSize, type PoolToSend, readLimit } from './size-limit.ts'
import type { Status } from './status.ts'
import { StoreState } from './store-state.ts'
import { Fitting } from './validation.ts'

/**
 * The heart: the variables of one pool, and their way to and from a backend.
 *
 * It knows neither MQTT nor the proxy through which programs see it.
 */
export class StoreCore implements BackendListener {
  readonly options: ResolvedOptions
  readonly variables: Variables
  readonly events: Events<StoreEvents> = new Events()
  readonly watching: Watching
  readonly label: string
  readonly #backend: Backend
  readonly #saving: Saving
  readonly #remote: Remote
  readonly #editing: Editing
  readonly #journal: StoreJournal | undefined
  readonly #readiness: Readiness
  readonly #opening: Opening
  readonly #history: History = new History()
  readonly #atReady: () => void
  readonly #state: StoreState
  #closing: Promise<void> | undefined
  #isReadable = false

  /** @param atReady called once, just before the variables may be used */
  constructor(
    options: ResolvedOptions,
    backend: Backend,
    shelf: Shelf,
    atReady: () => void,
    makeJournal?: JournalMaker,
  ) {
    this.options = options
    this.#backend = backend
    this.#atReady = atReady
    this.label = options.backend === undefined ? `'${options.name}' (${backend.place})` : backend.place
    this.#state = new StoreState(backend.place, this.label, options.readOnly)
    const rules = { tasmota: options.compat === 'tasmota', assertWritable: () => this.assertWritable() }
    this.variables = new Variables(shelf, rules, () => this.watching.touched())
    const keepAlive = new KeepAlive()
    this.#readiness = new Readiness(keepAlive)
    const saver = { save: () => this.save(), isLinked: () => this.#state.name === 'ready' }
    this.watching = new Watching(this.variables, this.events, options, saver, keepAlive)
    const trouble = (error: PersistError) => void this.trouble(error)
    const { onConflict, readOnly, guards } = options
    const limitBytes = readLimit(options)
    const { label, variables, events } = this
    const common = { label, variables, history: this.#history, events, trouble, onConflict }
    this.#journal = makeJournal && new StoreJournal(common, makeJournal)
    const shared = { ...common, journal: this.#journal }
    const outdated = (error: PersistError) => {
      this.ended(error)
      void this.#letGo()
    }
    const fitting = new Fitting({ label, options, variables, trouble, outdated })
    const check = (pool: PoolToSend) => {
      checkSize(pool, Math.min(options.maxBytes, this.#state.held?.limitBytes ?? options.maxBytes), label)
      fitting.check(pool.values)
    }
    this.#saving = new Saving({ ...shared, backend, saveTimeoutMs: options.saveTimeoutMs, check })
    const others = { ...shared, watching: this.watching, saving: this.#saving }
    this.#editing = new Editing({ ...others, check, assertWritable: () => this.assertWritable() })
    this.#remote = new Remote({ ...others, fitting, readOnly, guards, edited: this.#editing.edited, limitBytes })
    this.#opening = new Opening({
      ...shared,
      options,
      state: this.#state,
      fitting,
      upgrade: new Upgrade({ label, options, backend, events, trouble }),
      begun: () => this.#begun(),
      waits: (error) => this.#become('waiting', error),
      fail: (error) => void this.#fail(error),
      save: () => this.save(),
    })
  }

  /** Can the variables be changed and saved, now or when the link is back? */
  get isReady(): boolean {
    return this.#state.isReady
  }

  /** Are the variables here to be read? They still are when the store is closed. */
  get isReadable(): boolean {
    return this.#isReadable
  }

  get status(): Status {
    return this.#state.status(this.isReady && this.#saving.unsaved)
  }

  /** Opens the backend. Never rejects: `ready` does, and so does what waits for it. */
  async open(): Promise<void> {
    try {
      if (this.#journal !== undefined) this.#state.lastExit = await this.#journal.open()
      if (this.#state.name !== 'connecting') return
      const held = await this.#backend.open(this, this.options.openTimeoutMs)
      if (this.#state.name !== 'connecting') return
      this.#saving.linked = true
      await this.#opening.begin(held)
    } catch (thrown) {
      await this.#fail(asPersistError(thrown, this.label, 'opened'))
    } finally {
      this.#editing.begin()
    }
  }

  /** Runs a function in a later tick, once the variables are here. */
  exec<Result>(fn: () => Result): Promise<Awaited<Result>> {
    return this.#readiness.exec(fn)
  }

  save(): Promise<void> {
    try {
      this.assertWritable()
    } catch (error) {
      return rejected(this.trouble(error as PersistError))
    }
    return this.#saving.save()
  }

  /** The next save sends even if nothing has changed. */
  dirty(): void {
    this.assertWritable()
    this.#saving.force()
  }

  /** Removes a variable; without its version a pool would be migrated once more. */
  remove(name: string): void {
    this.assertWritable()
    const isVersion = name === VERSION_NAME && this.options.version > 0
    if (isVersion) throw this.#fault('ERR_PERSIST_RESERVED_NAME', 'keeps its version; zero(true) removes all the rest')
    this.variables.delete(name)
  }

  /** Throws where the variables may not be changed now. */
  assertWritable(): void {
    this.#state.assertWritable()
  }

  /** Starts an empty pool where there is none, or, with `force`, where there is one. */
  zero(force: boolean): Promise<void> {
    if (this.options.readOnly || this.#state.name !== 'waiting') this.assertWritable()
    const inTheWay = this.isReady ? 'the pool is in use' : this.#state.error && 'what is held there cannot be read'
    if (inTheWay && !force) {
      throw this.#fault('ERR_PERSIST_NEEDS_FORCE', `was not cleared: ${inTheWay}. zero(true) clears it all the same`)
    }
    if (!this.isReady) this.#journal?.forget()
    // The version stays: what is put into the pool from now on is of this version, and not to be migrated.
    if (this.isReady) this.variables.clear(this.options.version > 0 ? VERSION_NAME : undefined)
    else this.#opening.beginEmpty()
    this.#saving.force()
    return this.save()
  }

  /** Saves what is unsaved, then lets go; rejects if it could not be saved, and has let go even so. */
  close(limitMs: number = this.options.saveTimeoutMs): Promise<void> {
    this.#closing ??= this.#close(limitMs)
    return this.#closing
  }

  /** Saves what is unsaved, if anything can be saved, waiting no longer than a limit in milliseconds. */
  async saveWithin(limitMs: number): Promise<void> {
    if (!this.isReady || this.options.readOnly || this.#state.ended) return
    // Twice: a save that landed over somebody else's is followed by another one with the merge.
    const saved = this.save().then(() => this.save())
    await within(saved, limitMs, () => {
      const late = `could not be saved within ${limitMs} ms when the program stopped or closed it`
      return this.trouble(this.#fault('ERR_PERSIST_TIMEOUT', late))
    })
  }

  /** Why the variables cannot be used now. */
  unusable(): PersistError {
    return this.#state.unusable()
  }

  // What the backend tells.

  changed(bytes: Uint8Array | null, stamp?: Stamp): void {
    if (this.#opening.isEarly(() => this.changed(bytes, stamp))) return
    if (this.isReady) this.#remote.changed(bytes, stamp)
    else if (this.#state.name === 'waiting' && this.#state.held)
      void this.#opening.begin({ ...this.#state.held, bytes, stamp })
  }

  requested(request: EditRequest): Promise<Uint8Array> {
    return this.#editing.requested(request)
  }

  reread(bytes: Uint8Array | null, stamp?: Stamp): void {
    if (this.#opening.isEarly(() => this.reread(bytes, stamp))) return
    if (this.isReady) this.#remote.reread(bytes, stamp)
    else this.changed(bytes, stamp)
  }

  offline(cause: PersistError): void {
    if (this.#opening.isEarly(() => this.offline(cause))) return
    this.#saving.linked = false
    this.#history.linked = false
    if (this.isReady) this.#become('offline', cause)
  }

  online(held: Held): void {
    if (this.#opening.isEarly(() => this.online(held))) return
    if (this.isReady) {
      this.#state.held = held
      this.#become('ready')
      this.#remote.reopened(held)
    } else if (this.#state.name === 'waiting') {
      void this.#opening.begin(held)
    }
    this.#saving.linked = true
  }

  /** Tells an error as an event too, since what it rejects need not be awaited. */
  trouble(error: PersistError): PersistError {
    if (this.events.count('error') === 0) warn(error)
    this.events.emit('error', error)
    return error
  }

  ended(error: PersistError): void {
    if (this.#opening.isEarly(() => this.ended(error))) return
    if (!this.isReady) return void this.#fail(error)
    // The only trace of what was changed here and is to be nowhere else.
    const told = new PersistError(error.code, error.message, { ...error, unsaved: this.variables.unsavedValues() })
    this.watching.stop()
    this.#become('readonly', told)
    this.#saving.stop(told)
    this.trouble(told)
  }

  /** From here on the variables can be used. */
  #begun(): void {
    this.#isReadable = true
    this.#become('ready')
    this.#atReady()
    this.watching.start()
    this.#readiness.reached()
  }

  #become(state: Status['state'], error?: PersistError): void {
    this.#state.become(state, error)
    this.events.emit('status', this.status)
  }

  async #fail(error: PersistError): Promise<void> {
    if (this.#state.name === 'closed') return
    this.#become('failed', error)
    this.#readiness.missed(error)
    this.trouble(error)
    await this.#letGo()
  }

  async #close(limitMs: number): Promise<void> {
    this.#editing.stop()
    try {
      await this.saveWithin(limitMs)
    } finally {
      if (this.#state.name !== 'failed') {
        this.watching.stop()
        this.#become('closed')
        const error = this.unusable()
        this.#saving.stop(error)
        this.#readiness.missed(error)
      }
      await this.#letGo()
    }
  }

  async #letGo(): Promise<void> {
    await this.#backend.close()
    await this.#journal?.close()
  }

  #fault(code: PersistErrorCode, whatIsWrong: string): PersistError {
    return new PersistError(code, `Store ${this.label} ${whatIsWrong}.`, { store: this.label })
  }
}
