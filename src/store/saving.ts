import { asPersistError, PersistError } from '../runtime/errors.ts'
import { type Deferred, deferred, rejected } from '../runtime/promises.ts'
import type { PendingWrite } from '../variables/unsaved.ts'
import type { StoreContext } from './context.ts'
import type { Validation } from './validation.ts'

/** All calls of save() that one write answers. */
interface Batch extends Deferred<void> {
  readonly deadline: number
  /** While it waits; a write in flight has the limit of the backend. */
  timer?: ReturnType<typeof setTimeout> | undefined
}

/** About what a write takes, in milliseconds. */
const SLOT_MS = 10
const MOST_DOUBLINGS = 7

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
  #inFlight: PendingWrite | undefined
  /** What is to be done where the write under way turns out not to be held. */
  #ifNotHeld: (() => void) | undefined
  #linked = false
  /** How often a link came up. */
  #links = 0
  /** The next write goes out even if the backend holds every variable as it is. */
  #forced = false
  /** How often in a row another writer was faster. */
  #collisions = 0
  /** A guest waits for its turn. */
  #turn: ReturnType<typeof setTimeout> | undefined
  /** A save failed: the store sends what it was to save when the link is back. */
  #owed = false
  /** Why the last one failed. */
  #failure: PersistError | undefined
  /** Why the store writes nothing any more. */
  #ended: PersistError | undefined

  constructor(context: StoreContext, validation: Validation) {
    this.#context = context
    this.#validation = validation
  }

  /** The next save writes, even if nothing has changed. */
  force(): void {
    this.#forced = true
  }

  /** The write in flight was held, if it still is not certain for how long. */
  landed(): void {
    const { revisions, unsaved } = this.#context
    const pending = this.#inFlight
    if (pending === undefined) return
    this.#inFlight = undefined
    revisions.landed(pending.revision, this.#heldBefore(pending), true)
    unsaved.confirm(pending)
    this.#ifNotHeld = undefined
  }

  /** Is there a write of which it is not known yet whether it was held? */
  get isUnderWay(): boolean {
    return this.#inFlight !== undefined
  }

  /** Another writer's pool has come, in the place of which the write under way will be held, if it is; `notHeld` is called if it is not. */
  landsOver(notHeld: () => void): void {
    if (this.#inFlight !== undefined) this.#inFlight.raced = true
    this.#ifNotHeld = notHeld
  }

  /** What has come since is newer. */
  forgetPassed(): void {
    this.#ifNotHeld = undefined
  }

  /** Did the last write race with another writer's, and is there something to write since? */
  get isMerging(): boolean {
    return this.#collisions > 0 && this.isNeeded
  }

  /** Is there a value that the backend is not known to hold, or that the store must write once more? */
  get isNeeded(): boolean {
    return this.#forced || this.#current !== undefined || !this.#context.unsaved.isEmpty
  }

  /** Resolves when the backend holds the variables as they are now. */
  save(): Promise<void> {
    // A large edit may come to its save after the store was closed, which has saved it, or could not.
    if (this.#ended !== undefined && this.isNeeded) return rejected(this.#ended)
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

  /** The store writes nothing any more; rejects every save that waits, at once or when `leaving` is settled. */
  stop(error: PersistError, leaving?: Promise<unknown>): void {
    this.#ended = error
    clearTimeout(this.#turn)
    for (const batch of [this.#current, this.#next]) {
      clearTimeout(batch?.timer)
      void Promise.resolve(leaving).then(() => batch?.reject(error))
    }
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
          `${this.#reason}. ` +
          'The variables are unchanged and go with the next save.',
        { store: this.#context.storeName },
      ),
    )
  }

  get #reason(): string {
    if (!this.#linked) return 'there is no link to the backend'
    return this.#turn === undefined ? 'the write before it is still under way' : 'others write all the time'
  }

  #fail(batch: Batch, error: PersistError): void {
    this.#owed = true
    this.#settle(batch, error)
    // A backend that gives the same answer again says nothing new.
    if (error !== this.#failure) this.#context.report(error)
    this.#failure = error
  }

  #proceed(): void {
    const batch = this.#next
    if (batch === undefined || this.#current !== undefined || this.#turn !== undefined || !this.#linked) return
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
    const { backend, variables, unsaved, revisions, events, journaling, options } = this.#context
    const pending = unsaved.compose(revisions.next())
    const forced = this.#forced
    const link = this.#links
    this.#forced = false
    let isSent = false
    const hasNews = pending.texts.size > 0
    let isRaced = false
    try {
      const { bytes } = pending
      const pool = { sizeBytes: bytes.length, texts: () => unsaved.texts(), values: () => variables.snapshot() }
      this.#validation.assertSavable(pool)
      revisions.sent(pending.revision, textsIn(pending))
      isSent = true
      this.#inFlight = pending
      // On disk before it goes out: after a crash, the next program can tell what the broker may hold from what it never got.
      if (journaling !== undefined) await journaling.note()
      const outcome = await backend.write(bytes, Math.max(1, batch.deadline - performance.now()))
      if (outcome === 'written') this.landed()
      this.#abandon(outcome === 'overwritten')
      isRaced = pending.raced || outcome !== 'written'
      this.#collisions = isRaced ? this.#collisions + 1 : 0
      if (outcome === 'written') {
        journaling?.review()
        this.#owed = false
        events.emit('save', { sizeBytes: bytes.length })
        this.#settle(batch)
        // It landed over another writer's write, which the store has merged by now: the merge must be written too. A guest's next
        // write tells the others that it has seen what it wrote over, also where nothing of that was new.
        this.#forced ||= isRaced && options.isGuest && hasNews
        if (isRaced && batch === this.#current) void this.save()
      } else {
        // The backend holds another writer's write, which the store has merged by now: the merge must be written.
        // The store may have ended meanwhile.
        if (batch !== this.#current) return
        if (outcome === 'superseded') this.#forced ||= forced
        this.#again(batch)
      }
    } catch (thrown) {
      if (!isSent) unsaved.abandon()
      this.#abandon(false)
      // The backend may hold it all the same: then even values that went back to what they were must be written.
      this.#forced ||= forced || isSent
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
    if (isRaced && options.isGuest) this.#waitForTurn()
    this.#proceed()
  }

  #waitForTurn(): void {
    clearTimeout(this.#turn)
    this.#turn = setTimeout(() => {
      this.#turn = undefined
      this.#proceed()
    }, this.#turnMs())
  }

  /** The write in flight, if there still is one, is not held; `wasHeld` tells whether it was before. */
  #abandon(wasHeld: boolean): void {
    const { revisions, unsaved } = this.#context
    const pending = this.#inFlight
    if (pending === undefined) return
    this.#inFlight = undefined
    if (wasHeld) revisions.landed(pending.revision, this.#heldBefore(pending), false)
    unsaved.abandon()
    const notHeld = this.#ifNotHeld
    this.#ifNotHeld = undefined
    notHeld?.()
  }

  /** What the backend was known to hold of the variables that a write changes, or one before it that nobody answered. */
  #heldBefore({ texts }: PendingWrite): ReadonlyMap<string, string | undefined> {
    const { revisions, unsaved } = this.#context
    const names = [...revisions.namesInDoubt(), ...Array.from(texts.keys(), ({ name }) => name)]
    return new Map(names.map((name) => [name, unsaved.confirmedText(name)]))
  }

  /**
   * How long a guest waits for its turn, in milliseconds: of several that write at once, each would write over the others
   * for ever. At random, and longer each time, as stations of an Ethernet do (IEEE 802.3, truncated binary exponential
   * backoff).
   */
  #turnMs(): number {
    return Math.random() * SLOT_MS * 2 ** Math.min(this.#collisions, MOST_DOUBLINGS)
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

/** What a write has otherwise than what the backend is known to hold. */
function textsIn({ texts }: PendingWrite): Map<string, string | undefined> {
  const named = new Map<string, string | undefined>()
  for (const [{ name }, text] of texts) named.set(name, text)
  return named
}
