import type { Held, Stamp } from '../contracts/backend.ts'
import { type JsonValue, ownValue } from '../format/json.ts'
import { parsedJson } from '../format/parse-json.ts'
import { decodePayload, type Payload } from '../format/payload.ts'
import type { AgeOf } from '../merge/history/history.ts'
import type { PayloadKind } from '../merge/history/payload-history.ts'
import { mergeVariable } from '../merge/three-way.ts'
import { asPersistError, type PersistError } from '../runtime/errors.ts'
import type { ChangeEvents } from './change-events.ts'
import type { StoreContext } from './context.ts'
import type { StoreEvents } from './events.ts'
import type { Journaling } from './journaling.ts'
import type { Saving } from './saving.ts'
import { readLimit } from './size-limit.ts'
import type { Validation } from './validation.ts'

/** The parts of a store that taking in others' writes needs, beside what all of them have. */
interface IncomingParts {
  readonly saving: Saving
  readonly changeEvents: ChangeEvents
  readonly validation: Validation
  readonly journaling: Journaling | undefined
  /** The names of the variables that an editor's store was asked to change. */
  readonly edited: ReadonlySet<string>
}

/** Takes in what the backend holds without this store having written it. */
export class Incoming {
  readonly #context: StoreContext
  readonly #parts: IncomingParts
  /** The variables that the backend had lost and nobody has written since, but for those that this store guards. */
  readonly #lost = new Set<string>()
  /** What a write of ours said, or may have said, of variables that somebody else wrote while it was under way. */
  readonly #writtenOver = new Map<string, Set<string | undefined>>()

  constructor(context: StoreContext, parts: IncomingParts) {
    this.#context = context
    this.#parts = parts
  }

  /** This has come: somebody else wrote it, or deleted the pool (null), or it is a write of ours that came late. */
  written(bytes: Uint8Array | null, stamp?: Stamp): void {
    const kind = this.#kindOf(bytes)
    if (bytes !== null && (kind === 'sent' || kind === 'stray')) this.#known(bytes, kind)
    else this.#foreign(bytes, stamp)
  }

  /** The link was gone and is back. An older pool of ours is no edit of somebody's: the broker has lost the newer ones. */
  reopened({ bytes, stamp, isLost = false }: Held): void {
    const { history, options } = this.#context
    const kind = this.#kindOf(bytes)
    if (bytes === null && !options.readOnly) this.#heal('lost')
    else if (bytes === null || kind === 'unknown') this.#foreign(bytes, stamp, isLost)
    else if (kind !== 'last') this.#known(bytes, kind, () => this.#sendAgain('lost'))
    history.linked = true
  }

  /** This is held, though it is not what was said to be: messages came in another order than they were kept. */
  found(bytes: Uint8Array | null, stamp?: Stamp): void {
    const kind = this.#kindOf(bytes)
    if (bytes === null || kind === 'unknown') this.#foreign(bytes, stamp)
    else if (kind !== 'last') this.#known(bytes, kind)
  }

  /** Which of our own payloads it is. Whoever only reads has none. */
  #kindOf(bytes: Uint8Array | null): PayloadKind {
    const { history, options } = this.#context
    return bytes === null || options.readOnly ? 'unknown' : history.kindOf(bytes)
  }

  /** There is nothing in it that we do not know, and now we know that it is what is held. */
  #known(bytes: Uint8Array, kind: PayloadKind, restore: () => void = () => void this.#parts.saving.save()): void {
    const { history, unsaved, storeName } = this.#context
    const { texts } = decodePayload(bytes, storeName)
    this.#outdate(this.#changed(texts))
    if (kind === 'sent') history.arrived()
    unsaved.confirmAll(texts)
    this.#parts.journaling?.review()
    if (kind !== 'sent') restore()
  }

  /** @param isLost it was written where everything had been lost: what is missing there was not removed by anybody */
  #foreign(bytes: Uint8Array | null, stamp: Stamp | undefined, isLost = false): void {
    const { history } = this.#context
    const { changeEvents, journaling, validation, saving } = this.#parts
    const theirs = this.#usable(bytes)
    if (theirs === undefined || bytes === null) return
    const ageOf = history.received(bytes, stamp)
    // Our own changes so far are told before theirs, which have another origin.
    changeEvents.flush()
    const before = validation.before()
    const changed = before === undefined ? [] : this.#changed(theirs.texts)
    const isUndone = this.#merge(theirs, this.#oldNames(theirs, ageOf, isLost))
    const outcome = before === undefined ? 'taken' : validation.merged(changed, before, theirs.values)
    changeEvents.flush()
    journaling?.review()
    if (outcome === 'refused') this.#sendAgain('invalid')
    // Its writer had not seen our last changes: they are to be held again.
    else if (outcome !== 'ended' && (isUndone || outcome === 'coerced')) void saving.save()
  }

  /** The pool in what somebody else wrote; where there is none, the backend gets ours again. */
  #usable(bytes: Uint8Array | null): Payload | undefined {
    const { storeName, options, report } = this.#context
    try {
      if (bytes !== null) return decodePayload(bytes, storeName, readLimit(options))
      this.#heal('deleted')
    } catch (error) {
      report(error as PersistError)
      this.#heal('overwritten')
    }
    return undefined
  }

  #heal(reason: StoreEvents['heal']['reason']): void {
    const { variables, unsaved, options } = this.#context
    if (options.readOnly) return
    // Who still has what was held has not seen what it is changed to here, before the pool is held again or after.
    this.#outdate(variables.knownNames())
    unsaved.toResend(variables.knownNames())
    for (const name of variables.knownNames()) if (!this.#isOurs(name)) this.#lost.add(name)
    unsaved.confirmAll(new Map())
    this.#sendAgain(reason)
  }

  /** Something else is held of these variables than we knew, and what is here is to be held next. */
  #outdate(names: Iterable<string>): void {
    const { unsaved, history } = this.#context
    for (const name of names) history.outdated(name, unsaved.confirmedText(name), unsaved.text(name))
  }

  /** Sends the pool though nothing may have changed here. */
  #sendAgain(reason: StoreEvents['heal']['reason']): void {
    const { saving } = this.#parts
    saving.force()
    const healed = () => this.#context.events.emit('heal', { reason })
    saving.save().then(healed, () => {})
  }

  /** The variables of which it has older values of ours, or that it lacks only because they were lost. */
  #oldNames({ texts }: Payload, ageOf: AgeOf, isLost: boolean): Set<string> {
    const { variables, options } = this.#context
    if (options.readOnly) return new Set()
    const ages = this.#changed(texts).map((name) => [name, ageOf(name, texts.get(name))] as const)
    // A pool is of one moment: where one of its values is stale, no other one has gone back on purpose.
    const isStale = isLost || ages.some(([, age]) => age === 'young')
    const old = ages.filter(([, age]) => age === 'young' || (age === 'aged' && isStale)).map(([name]) => name)
    if (isLost) for (const name of variables.knownNames()) if (!texts.has(name)) old.push(name)
    return new Set(old.filter((name) => this.#isGuarded(name, texts.get(name))))
  }

  /** The variables of which these are not the texts that were held before. */
  #changed(texts: ReadonlyMap<string, string>): string[] {
    const { variables } = this.#context
    const names = new Set([...variables.knownNames(), ...texts.keys()])
    return Array.from(names).filter((name) => this.#isChanged(name, texts.get(name)))
  }

  /** Is it this store's own, to be kept from going back to an old value? */
  #isOurs(name: string): boolean {
    return this.#context.options.guards === 'all' || this.#parts.edited.has(name)
  }

  /** Is this variable to be kept from going back to this text? */
  #isGuarded(name: string, text: string | undefined): boolean {
    const { guards } = this.#context.options
    if (guards === 'all' || this.#isOurs(name)) return true
    // Whoever may have written over somebody's value has to see that it gets there; but an owner sees to it anyway, and
    // may have put that text back.
    return !guards.isOwned() && this.#writtenOver.get(name)?.has(text) === true
  }

  /** A write of ours may land over what somebody else has just written. */
  #wroteOver(name: string): void {
    const said = this.#writtenOver.get(name) ?? new Set()
    this.#writtenOver.set(name, said.add(this.#context.unsaved.text(name)))
  }

  /** A variable that is only being sent again, because it was lost, may be removed by somebody else meanwhile. */
  #isChanged(name: string, text: string | undefined): boolean {
    const { unsaved } = this.#context
    if (text !== unsaved.confirmedText(name)) return true
    return text === undefined && this.#lost.has(name) && unsaved.text(name) !== undefined
  }

  /** Returns whether there are older values of ours in it. */
  #merge({ texts, values }: Payload, old: ReadonlySet<string>): boolean {
    const changed = this.#changed(texts)
    for (const name of texts.keys()) this.#lost.delete(name)
    this.#context.unsaved.toResend(old)
    for (const name of changed) if (old.has(name)) this.#context.history.isBack(name, texts.get(name))
    for (const name of changed) this.#mergeOne(name, ownValue(values, name), texts.get(name), old.has(name))
    return changed.some((name) => old.has(name))
  }

  #mergeOne(name: string, remote: JsonValue | undefined, text: string | undefined, isOurs: boolean): void {
    const { variables, unsaved, history, events, options, storeName, report } = this.#context
    const confirmed = unsaved.confirmedText(name)
    const local = variables.get(name)
    // What others wrote and we only passed on is no change of ours, even where a write of ours has landed over it.
    const known = confirmed === undefined ? undefined : parsedJson(confirmed)
    const isPassedOn = unsaved.isPassedOn(name) || !this.#isOurs(name)
    const base = isOurs ? remote : isPassedOn ? local : known
    unsaved.confirmForeign(name, text)
    try {
      // Changed and back again is a change: what was written before that is not to win over it.
      const isOurChange = !isPassedOn && unsaved.isInFlight(name)
      const merged = mergeVariable({ name, base, local, remote }, options.onConflict, isOurChange)
      if (merged.take === 'local') history.outdated(name, confirmed, unsaved.text(name))
      if (merged.take === 'same') history.outlived(name, confirmed)
      if (merged.take === 'same') unsaved.adoptText(name, text)
      else if (merged.take === 'remote') {
        // Whether what is not there was removed or lost, nobody but its owner can tell.
        if (this.#parts.saving.isWriting && remote !== undefined && local !== undefined) this.#wroteOver(name)
        variables.take(name, remote, text)
      } else if (merged.take === 'other') variables.set(name, merged.value)
      if (merged.conflict) events.emit('conflict', { name, local, remote, value: variables.get(name) })
    } catch (thrown) {
      // onConflict threw, or returned what cannot be stored: ours stays, as it does by default.
      report(asPersistError(thrown, storeName, 'merged'))
    }
  }
}
