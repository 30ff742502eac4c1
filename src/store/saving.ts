import type { Sent } from '../merge/history/history.ts'
import type { Change } from '../merge/history/own-texts.ts'
import { asPersistError, PersistError } from '../runtime/errors.ts'
import { type Deferred, deferred } from '../runtime/promises.ts'
import type { PendingWrite } from '../variables/unsaved.ts'
import type { StoreContext } from './context.ts'
import type { Validation } from './validation.ts'

/** All calls of save() that one write answers. */
interface Batch extends Deferred<void> {
  readonly deadline: number
  /** While it waits; a write in flight has the limit of the backend. */
  timer?: ReturnType<typeof setTimeout> | undefined
}

const DONE: Promise<void> = Promise.resolve()

/**
 * Writes the variables to the backend: one write in flight, and one next write for all calls of save() meanwhile.
 *
 * The store composes the next write when its turn comes. So it has the newest values, and a million calls cost one write.
 */
export class Saving {
  readonly #context: StoreContext
  readonly #validation: Validation
  #current: Batch | undefined
  #next: Batch | undefined
  #linked = false
  /** How often a link came up. */
  #links = 0
  /** The next write goes out even if the backend holds every variable as it is. */
  #forced = false
  /** A save failed: the store sends what it was to save when the link is back. */
  #owed = false

  constructor(context: StoreContext, validation: Validation) {
    this.#context = context
    this.#validation = validation
  }

  /** The next save writes, even if nothing has changed. */
  force(): void {
    this.#forced = true
  }

  /** Is a write in flight? */
  get isWriting(): boolean {
    return this.#current !== undefined
  }

  /** Is there a value that the backend is not known to hold, or that the store must write once more? */
  get isNeeded(): boolean {
    return this.#forced || this.#current !== undefined || !this.#context.unsaved.isEmpty
  }

  /** Resolves when the backend holds the variables as they are now. */
  save(): Promise<void> {
    // The next write has not begun and will carry the newest values: nothing to compare.
    if (this.#next !== undefined) {
      void this.#context.journaling?.note()
      return this.#next.promise
    }
    if (!this.#forced && this.#context.unsaved.isEmpty) return this.#current?.promise ?? DONE
    const batch = { ...deferred<void>(), deadline: performance.now() + this.#context.options.saveTimeoutMs }
    this.#next = batch
    // At once, even without a link: what the journal has noted outlives the program.
    void this.#context.journaling?.note()
    this.#proceed()
    if (batch === this.#next) this.#wait(batch)
    return batch.promise
  }

  /** The link to the backend has come up, or is gone. */
  set linked(linked: boolean) {
    this.#linked = linked
    if (!linked) return
    this.#links++
    if (this.#owed) void this.save()
    this.#proceed()
  }

  /** The store writes nothing any more; rejects every save that waits. */
  stop(error: PersistError): void {
    this.#linked = false
    for (const batch of [this.#current, this.#next]) batch && this.#settle(batch, error)
    this.#current = this.#next = undefined
  }

  /** This timer also keeps a Node process alive while there is something to save; sockets do not. */
  #wait(batch: Batch): void {
    batch.timer = setTimeout(() => this.#expire(batch), Math.max(0, batch.deadline - performance.now()))
  }

  #settle(batch: Batch, error?: PersistError): void {
    clearTimeout(batch.timer)
    if (error === undefined) batch.resolve()
    else batch.reject(error)
  }

  #expire(batch: Batch): void {
    this.#next = undefined
    this.#fail(
      batch,
      new PersistError(
        'ERR_PERSIST_TIMEOUT',
        `${this.#context.storeName} could not be saved within ${this.#context.options.saveTimeoutMs} ms: ` +
          `${this.#linked ? 'the write before it is still under way' : 'there is no link to the backend'}. ` +
          'The variables are unchanged and go with the next save.',
        { store: this.#context.storeName },
      ),
    )
  }

  #fail(batch: Batch, error: PersistError): void {
    this.#owed = true
    this.#settle(batch, error)
    this.#context.report(error)
  }

  #proceed(): void {
    const batch = this.#next
    if (batch === undefined || this.#current !== undefined || !this.#linked) return
    this.#next = undefined
    clearTimeout(batch.timer)
    if (this.#forced || !this.#context.unsaved.isEmpty) {
      this.#current = batch
      void this.#write(batch)
    } else {
      this.#settle(batch)
    }
  }

  async #write(batch: Batch): Promise<void> {
    const { backend, variables, unsaved, history, events, journaling } = this.#context
    const pending = unsaved.compose()
    const forced = this.#forced
    const link = this.#links
    this.#forced = false
    let sent: Sent | undefined
    try {
      const { bytes } = pending
      const pool = { sizeBytes: bytes.length, texts: () => unsaved.texts(), values: () => variables.snapshot() }
      this.#validation.assertSavable(pool)
      sent = history.sent(bytes, changesIn(pending))
      // On disk before it goes out: after a crash, the next program can tell what the broker may hold from what it never got.
      if (journaling !== undefined) await journaling.note()
      const outcome = await backend.write(bytes, Math.max(1, batch.deadline - performance.now()), sent.stamp)
      if (outcome !== 'superseded') history.confirmed(sent, outcome === 'written')
      if (outcome === 'written') {
        unsaved.confirm(pending)
        journaling?.review()
        this.#owed = false
        events.emit('save', { sizeBytes: bytes.length })
        this.#settle(batch)
        // It landed over another writer's write, which the store has merged by now: the merge must be written too.
        if (pending.raced && batch === this.#current) void this.save()
      } else {
        // The backend holds another writer's write, which the store has merged by now: the merge must be written.
        unsaved.abandon()
        // The store may have ended meanwhile.
        if (batch !== this.#current) return
        if (outcome === 'superseded') this.#forced ||= forced
        this.#again(batch)
      }
    } catch (thrown) {
      unsaved.abandon()
      // The backend may hold it all the same: then even values that went back to what they were must be written.
      this.#forced ||= forced || sent !== undefined
      if (batch !== this.#current) return
      const error = asPersistError(thrown, this.#context.storeName, 'saved')
      // A broken link fails no save before its time is over: the save goes on when the link is back.
      if (error.code === 'ERR_PERSIST_CONNECT' && performance.now() < batch.deadline) {
        // Unless the link is back already: then no news of it will come.
        if (link === this.#links) this.#linked = false
        this.#again(batch)
      } else {
        this.#fail(batch, error)
      }
    }
    if (batch === this.#current) this.#current = undefined
    this.#proceed()
  }

  /** Puts a batch back in its place before the next; calls that came since then are answered with it. */
  #again(batch: Batch): void {
    const later = this.#next
    this.#next = batch
    this.#current = undefined
    this.#wait(batch)
    if (later === undefined) return
    clearTimeout(later.timer)
    later.resolve(batch.promise)
  }
}

/** What a write changes of what the backend is known to hold. */
function changesIn({ texts }: PendingWrite): Change[] {
  return Array.from(texts, ([{ name, confirmed }, text]) => [name, confirmed, text])
}
