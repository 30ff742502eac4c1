import { encodeText } from '../format/bytes.ts'
import type { Sent } from '../merge/history/history.ts'
import type { Change } from '../merge/history/own-texts.ts'
import { asPersistError, PersistError } from '../runtime/errors.ts'
import { type Deferred, deferred } from '../runtime/promises.ts'
import type { PendingWrite } from '../variables/unsaved.ts'
import type { StoreContext } from './context.ts'
import type { Journaling } from './journaling.ts'
import type { Validation } from './validation.ts'

/** All calls of save() that one write satisfies. */
interface Batch extends Deferred<void> {
  readonly deadline: number
  readonly timer: ReturnType<typeof setTimeout>
}

const DONE: Promise<void> = Promise.resolve()

/**
 * Brings the variables to the backend: one write in flight, and what is called for meanwhile is one next write.
 *
 * The next write is composed when its turn comes, so it has the newest values, and a million calls cost one write.
 */
export class Saving {
  readonly #context: StoreContext
  readonly #validation: Validation
  readonly #journaling: Journaling | undefined
  #current: Batch | undefined
  #next: Batch | undefined
  #linked = false
  /** How often there was a link. */
  #links = 0
  /** The next write is sent even if every variable is confirmed. */
  #forced = false
  /** A save was asked for and has failed: what it was to save is sent when the link is back. */
  #owed = false

  constructor(context: StoreContext, validation: Validation, journaling: Journaling | undefined) {
    this.#context = context
    this.#validation = validation
    this.#journaling = journaling
  }

  /** The next save sends, whatever has changed. */
  force(): void {
    this.#forced = true
  }

  /** Something is on its way. */
  get isWriting(): boolean {
    return this.#current !== undefined
  }

  /** Is there something that the backend is not known to hold, or is to get once more? */
  get isNeeded(): boolean {
    return this.#forced || this.#current !== undefined || !this.#context.unsaved.isEmpty
  }

  /** Resolves when the backend holds the variables as they are now. */
  save(): Promise<void> {
    // A write that has not begun yet will have whatever is here by then: there is nothing to look at.
    if (this.#next !== undefined) {
      void this.#journaling?.note()
      return this.#next.promise
    }
    if (!this.#forced && this.#context.unsaved.isEmpty) return this.#current?.promise ?? DONE
    const batch = this.#open()
    this.#next = batch
    // At once, whether there is a link or not: from here on it outlives the program.
    void this.#journaling?.note()
    this.#proceed()
    return batch.promise
  }

  /** The backend is, or is no longer, within reach. */
  set linked(linked: boolean) {
    this.#linked = linked
    if (!linked) return
    this.#links++
    if (this.#owed) void this.save()
    this.#proceed()
  }

  /** Nothing will be written any more; whoever waits is told so. */
  stop(error: PersistError): void {
    this.#linked = false
    for (const batch of [this.#current, this.#next]) batch && this.#settle(batch, error)
    this.#current = this.#next = undefined
  }

  #open(): Batch {
    const limitMs = this.#context.options.saveTimeoutMs
    const batch: Batch = {
      ...deferred<void>(),
      deadline: performance.now() + limitMs,
      // This timer also keeps a Node process alive while there is something to save; sockets do not.
      timer: setTimeout(() => this.#expire(batch), limitMs),
    }
    return batch
  }

  #settle(batch: Batch, error?: PersistError): void {
    clearTimeout(batch.timer)
    if (error === undefined) batch.resolve()
    else batch.reject(error)
  }

  #expire(batch: Batch): void {
    // The write in flight has the same limit and says more about what it was waiting for.
    if (batch === this.#current) return
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
    if (this.#forced || !this.#context.unsaved.isEmpty) {
      this.#current = batch
      void this.#write(batch)
    } else {
      this.#settle(batch)
    }
  }

  async #write(batch: Batch): Promise<void> {
    const { backend, variables, unsaved, history, events } = this.#context
    const journaling = this.#journaling
    const pending = unsaved.compose()
    const forced = this.#forced
    const link = this.#links
    this.#forced = false
    let sent: Sent | undefined
    try {
      const bytes = encodeText(pending.payload)
      const pool = { sizeBytes: bytes.length, texts: () => unsaved.texts(), values: () => variables.snapshot() }
      this.#validation.assertSavable(pool)
      sent = history.sent(bytes, changesIn(pending))
      // On disk before it is sent: what a broker may hold and what comes back after a crash can be told apart then.
      if (journaling !== undefined) await journaling.note()
      const outcome = await backend.write(bytes, Math.max(1, batch.deadline - performance.now()), sent.stamp)
      if (outcome !== 'superseded') history.confirmed(sent, outcome === 'written')
      if (outcome === 'written') {
        unsaved.confirm(pending)
        journaling?.review()
        this.#owed = false
        events.emit('save', { sizeBytes: bytes.length })
        if (batch === this.#current) this.#settle(batch)
        // It has landed over somebody else's write, which is merged here by now: the merge must get there.
        if (pending.raced && batch === this.#current) void this.save()
      } else {
        // Somebody else's write is held, and merged here by now: the merge must get there.
        unsaved.abandon()
        if (outcome === 'superseded') this.#forced ||= forced
        this.#again(batch)
      }
    } catch (thrown) {
      unsaved.abandon()
      // It may have been written all the same; even values that go back to what they were must be sent then.
      this.#forced ||= forced || sent !== undefined
      if (batch !== this.#current) return
      const error = asPersistError(thrown, this.#context.storeName, 'saved')
      // A link that broke is no failure of the save as long as its time is not over: it goes on when the link is back.
      if (error.code === 'ERR_PERSIST_CONNECT' && performance.now() < batch.deadline) {
        // Unless it is back already, it will be told when it is.
        if (link === this.#links) this.#linked = false
        this.#again(batch)
      } else {
        this.#fail(batch, error)
      }
    }
    if (batch === this.#current) this.#current = undefined
    this.#proceed()
  }

  /** Puts a batch back in its place before the next; what was called for since then is satisfied with it. */
  #again(batch: Batch): void {
    const later = this.#next
    this.#next = batch
    this.#current = undefined
    if (later === undefined) return
    clearTimeout(later.timer)
    later.resolve(batch.promise)
  }
}

/** What a write is to change of what the backend is known to hold. */
function changesIn({ texts }: PendingWrite): Change[] {
  return Array.from(texts, ([{ name, confirmed }, text]) => [name, confirmed, text])
}
