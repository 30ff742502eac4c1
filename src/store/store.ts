import type { Backend, BackendListener, EditRequest, Held, News } from '../contracts/backend.ts'
import type { JournalMaker } from '../contracts/journal.ts'
import { asPersistError, PersistError, type PersistErrorCode } from '../runtime/errors.ts'
import { KeepAlive } from '../runtime/keep-alive.ts'
import { rejected, within } from '../runtime/promises.ts'
import { VERSION_NAME } from '../schema/migration.ts'
import type { ValueTarget } from '../variables/variables.ts'
import { Autosave } from './autosave.ts'
import { ChangeEvents } from './change-events.ts'
import { type StoreContext, storeContext } from './context.ts'
import { EditRequests } from './edit-requests.ts'
import { Inbox } from './inbox.ts'
import { Incoming } from './incoming.ts'
import { Migrating } from './migrating.ts'
import { Opening } from './opening.ts'
import type { ResolvedOptions } from './options.ts'
import { Readiness } from './readiness.ts'
import { Saving } from './saving.ts'
import type { Status } from './status.ts'
import { Validation } from './validation.ts'

/** Where a program reads the values, once the store is open. */
export interface StoreTarget extends ValueTarget {
  /** The store calls it once, just before the program may use the variables. */
  ready(): void
}

/**
 * The heart: the variables of one pool, and their way to and from a backend.
 *
 * It knows neither MQTT nor the proxy through which programs use it. It changes the store's state; its parts do the work.
 */
export class StoreCore implements BackendListener {
  readonly context: StoreContext
  readonly changeEvents: ChangeEvents
  readonly autosave: Autosave
  readonly #target: StoreTarget
  readonly #readiness: Readiness
  readonly #inbox: Inbox
  readonly #makeJournal: JournalMaker | undefined
  readonly #saving: Saving
  readonly #editRequests: EditRequests
  readonly #incoming: Incoming
  readonly #opening: Opening
  #closing: Promise<void> | undefined
  #isReadable = false

  constructor(options: ResolvedOptions, backend: Backend, target: StoreTarget, makeJournal?: JournalMaker) {
    const keepAlive = new KeepAlive()
    const context = storeContext(options, backend, target, (name, origin) => {
      this.changeEvents.touched(name, origin)
      this.autosave.touched()
    })
    this.context = context
    this.changeEvents = new ChangeEvents(context, keepAlive)
    this.autosave = new Autosave(context, () => this.save())
    this.#target = target
    this.#readiness = new Readiness(keepAlive)
    this.#inbox = new Inbox((news) => this.#take(news))
    this.#makeJournal = makeJournal
    const validation = new Validation(context, (error) => this.#retire(error))
    const migrating = new Migrating(context)
    this.#saving = new Saving(context, validation)
    const parts = { saving: this.#saving, changeEvents: this.changeEvents, validation }
    this.#editRequests = new EditRequests(context, parts)
    this.#incoming = new Incoming(context, { ...parts, edited: this.#editRequests.edited })
    this.#opening = new Opening(
      context,
      { ...parts, inbox: this.#inbox, migrating },
      {
        begun: () => this.#begin(),
        waits: (error) => this.#become('waiting', error),
        failed: (error) => void this.#fail(error),
      },
    )
  }

  /** Is the store open? Then its variables can be used; offline, a save waits for the link. */
  get isReady(): boolean {
    return this.context.state.isReady
  }

  /** Can the program read the variables? It still can when the store is closed. */
  get isReadable(): boolean {
    return this.#isReadable
  }

  get status(): Status {
    return this.context.state.status(this.isReady && this.#saving.isNeeded)
  }

  /** Opens the backend. Never rejects: after a failure, `exec()` does. */
  async open(): Promise<void> {
    const { state, backend, options, storeName } = this.context
    try {
      if (this.#makeJournal !== undefined) await this.#openJournal(this.#makeJournal)
      if (state.name !== 'connecting') return
      const held = await backend.open(this, options.openTimeoutMs)
      if (state.name !== 'connecting') return
      this.#saving.linked = true
      await this.#opening.begin(held)
    } catch (thrown) {
      await this.#fail(asPersistError(thrown, storeName, 'opened'))
    } finally {
      this.#editRequests.begin()
      await state.leaving
    }
  }

  async #openJournal(make: JournalMaker): Promise<void> {
    const { state } = this.context
    // Only where there is a journal: a page has none, and leaves it out.
    const { Journaling } = await import('./journaling.ts')
    if (state.name !== 'connecting') return
    const journaling = new Journaling(this.context, make)
    this.context.journaling = journaling
    state.lastExit = await journaling.open()
  }

  exec<Result>(fn: () => Result): Promise<Awaited<Result>> {
    return this.#readiness.exec(fn)
  }

  save(): Promise<void> {
    const { state } = this.context
    try {
      state.assertWritable()
    } catch (error) {
      return rejected(this.context.report(error as PersistError))
    }
    return state.name === 'closed' ? state.savedTooLate() : this.#saving.save()
  }

  dirty(): void {
    this.context.state.assertWritable()
    this.#saving.force()
  }

  /** Removes a variable, but not the version: the next program would migrate the pool once more. */
  remove(name: string): void {
    this.context.state.assertWritable()
    const isVersion = name === VERSION_NAME && this.context.options.version > 0
    if (isVersion) throw this.#fault('ERR_PERSIST_RESERVED_NAME', 'keeps its version; zero(true) removes all the rest')
    this.context.variables.delete(name)
  }

  zero(force: boolean): Promise<void> {
    const { state, options, variables } = this.context
    if (options.readOnly || state.name !== 'waiting') state.assertWritable()
    const inTheWay = this.isReady ? 'the pool is in use' : state.error && 'what is held there cannot be read'
    if (inTheWay && !force) {
      throw this.#fault('ERR_PERSIST_NEEDS_FORCE', `was not cleared: ${inTheWay}. zero(true) clears it all the same`)
    }
    if (!this.isReady) this.context.journaling?.forget()
    // The version stays: new variables are of this version, and no program may migrate them.
    if (this.isReady) variables.clear(options.version > 0 ? VERSION_NAME : undefined)
    else this.#opening.beginEmpty()
    this.#saving.force()
    return this.save()
  }

  /** Saves what is unsaved, then closes the backend; rejects where the save failed, and has closed the backend even so. */
  close(limitMs: number = this.context.options.saveTimeoutMs): Promise<void> {
    this.#closing ??= this.#close(limitMs)
    return this.#closing
  }

  /** Closes the store because the program ends; a limit of 0 saves nothing. See `Leaving` of runtime/exit.ts. */
  leave(limitMs: number, over: Promise<unknown>): Promise<void> {
    this.context.state.leave(over)
    return this.close(limitMs)
  }

  /** Saves what is unsaved, if this store can save, within a limit in milliseconds. */
  async saveWithin(limitMs: number): Promise<void> {
    const { options, state } = this.context
    if (limitMs === 0 || !this.isReady || options.readOnly || state.ended) return
    await within(this.#saveAll(), limitMs, () => {
      const late = `could not be saved within ${limitMs} ms when the program stopped or closed it`
      return this.context.report(this.#fault('ERR_PERSIST_TIMEOUT', late))
    })
  }

  /** Until nothing is left to be written again: a save may land over another writer's write, time after time. */
  async #saveAll(): Promise<void> {
    await this.save()
    do await this.save()
    while (this.#saving.isMerging)
  }

  requested(request: EditRequest): Promise<Uint8Array> {
    return this.#editRequests.requested(request)
  }

  tell(news: News): void {
    // Not through the inbox: a program that waits for the store to open must hear of trouble meanwhile.
    if (news.kind === 'trouble') this.#take(news)
    else this.#inbox.tell(news)
  }

  #take(news: News): void {
    if (news.kind === 'held') this.#takeHeld(news)
    else if (news.kind === 'landed') this.#saving.landed()
    else if (news.kind === 'online') this.#takeOnline(news.held)
    else if (news.kind === 'offline') this.#takeOffline(news.error)
    else if (news.kind === 'ended') this.#end(news.error)
    else this.context.report(news.error)
  }

  #takeHeld({ how, bytes }: News & { kind: 'held' }): void {
    const { state } = this.context
    if (this.isReady) this.#incoming[how](bytes)
    else if (state.name === 'waiting' && state.held) void this.#opening.begin({ ...state.held, bytes })
  }

  #takeOffline(error: PersistError): void {
    this.#saving.linked = false
    if (this.isReady) this.#become('offline', error)
  }

  #takeOnline(held: Held): void {
    const { state } = this.context
    if (this.isReady) {
      state.held = held
      this.#become('ready')
      this.#incoming.reopened(held)
    } else if (state.name === 'waiting') {
      void this.#opening.begin(held)
    }
    this.#saving.linked = true
  }

  #begin(): void {
    this.#isReadable = true
    this.#become('ready')
    this.#target.ready()
    this.changeEvents.start()
    this.autosave.start()
    this.#readiness.reached()
  }

  #become(state: Status['state'], error?: PersistError): void {
    this.context.state.become(state, error)
    this.context.events.emit('status', this.status)
  }

  async #fail(error: PersistError): Promise<void> {
    if (this.context.state.name === 'closed') return
    this.#become('failed', error)
    this.#readiness.missed(error)
    this.context.report(error)
    await this.#letGo()
  }

  /** Another program owns the pool: this one can only read it from now on. */
  #end(error: PersistError): void {
    if (!this.isReady) return void this.#fail(error)
    // The backend will never hold these changes: the error is the only place where they are left.
    const final = new PersistError(error.code, error.message, { ...error, unsaved: this.context.unsaved.values() })
    this.#stopEvents()
    this.#become('readonly', final)
    this.#saving.stop(final)
    this.context.report(final)
  }

  /** A newer program writes the pool: this one leaves it alone. */
  #retire(error: PersistError): void {
    this.#end(error)
    void this.#letGo()
  }

  async #close(limitMs: number): Promise<void> {
    this.#editRequests.stop()
    try {
      await this.saveWithin(limitMs)
    } finally {
      if (this.context.state.name !== 'failed') {
        this.#stopEvents()
        this.#become('closed')
        const error = this.context.state.unusable()
        const { leaving } = this.context.state
        this.#saving.stop(error, leaving)
        this.#readiness.missed(error, leaving)
      }
      await this.#letGo()
    }
  }

  #stopEvents(): void {
    this.changeEvents.stop()
    this.autosave.stop()
  }

  async #letGo(): Promise<void> {
    await this.context.backend.close()
    await this.context.journaling?.close()
  }

  #fault(code: PersistErrorCode, whatIsWrong: string): PersistError {
    const { storeName } = this.context
    return new PersistError(code, `Store ${storeName} ${whatIsWrong}.`, { store: storeName })
  }
}
