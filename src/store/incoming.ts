import type { Held, Stamp } from '../contracts/backend.ts'
import { type JsonValue, ownValue } from '../format/json.ts'
import { parseJson } from '../format/parse-json.ts'
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

/**
 * Takes in what the backend holds although this store did not write it.
 *
 * Another writer changed the pool: the store merges each variable (merge/three-way.ts). The backend lost the pool, or holds
 * an older one of this store's own: the store writes its own pool again.
 */
export class Incoming {
  readonly #context: StoreContext
  readonly #parts: IncomingParts
  /** The variables that the backend lost, that no writer has written since, and that this store does not guard. */
  readonly #lost = new Set<string>()
  /** By name: the texts that this store's writes carried while another writer wrote that variable. */
  readonly #writtenOver = new Map<string, Set<string | undefined>>()

  constructor(context: StoreContext, parts: IncomingParts) {
    this.#context = context
    this.#parts = parts
  }

  /** Another writer wrote this pool, or deleted it (null); or a write of this store's own arrived late. */
  written(bytes: Uint8Array | null, stamp?: Stamp): void {
    const kind = this.#kindOf(bytes)
    if (bytes !== null && (kind === 'sent' || kind === 'stray')) this.#known(bytes, kind)
    else this.#foreign(bytes, stamp)
  }

  /** The link is back. Where the broker now holds an older pool of this store's own, it has lost the newer ones. */
  reopened({ bytes, stamp, isLost = false }: Held): void {
    const { history, options } = this.#context
    const kind = this.#kindOf(bytes)
    if (bytes === null && !options.readOnly) this.#heal('lost')
    else if (bytes === null || kind === 'unknown') this.#foreign(bytes, stamp, isLost)
    else if (kind !== 'last') this.#known(bytes, kind, () => this.#sendAgain('lost'))
    history.linked = true
  }

  /** The backend read the pool again and holds this: the broker delivered messages in another order than it kept them. */
  found(bytes: Uint8Array | null, stamp?: Stamp): void {
    const kind = this.#kindOf(bytes)
    if (bytes === null || kind === 'unknown') this.#foreign(bytes, stamp)
    else if (kind !== 'last') this.#known(bytes, kind)
  }

  /** Which of this store's own payloads it is. A store that only reads has none. */
  #kindOf(bytes: Uint8Array | null): PayloadKind {
    const { history, options } = this.#context
    return bytes === null || options.readOnly ? 'unknown' : history.kindOf(bytes)
  }

  /** The backend holds a payload of this store's own: nothing to merge, but now the store knows what is held. */
  #known(bytes: Uint8Array, kind: PayloadKind, restore: () => void = () => void this.#parts.saving.save()): void {
    const { history, unsaved, storeName } = this.#context
    const { texts } = decodePayload(bytes, storeName)
    this.#outdate(this.#changed(texts))
    if (kind === 'sent') history.arrived()
    unsaved.confirmAll(texts)
    this.#parts.journaling?.review()
    if (kind !== 'sent') restore()
  }

  /** @param isLost the backend lost the pool before this was written: no writer removed what is missing there */
  #foreign(bytes: Uint8Array | null, stamp: Stamp | undefined, isLost = false): void {
    const { history } = this.#context
    const { changeEvents, journaling, validation, saving } = this.#parts
    const theirs = this.#usable(bytes)
    if (theirs === undefined || bytes === null) return
    const ageOf = history.received(bytes, stamp)
    // Listeners hear of this program's changes first: the other writer's have another origin.
    changeEvents.flush()
    const before = validation.before()
    const changed = before === undefined ? [] : this.#changed(theirs.texts)
    const isUndone = this.#merge(theirs, this.#oldNames(theirs, ageOf, isLost))
    const outcome = before === undefined ? 'taken' : validation.merged(changed, before, theirs.values)
    changeEvents.flush()
    journaling?.review()
    if (outcome === 'refused') this.#sendAgain('invalid')
    // The other writer had not seen this store's last changes: the store writes them again.
    else if (outcome !== 'ended' && (isUndone || outcome === 'coerced')) void saving.save()
  }

  /** The pool that another writer wrote; where it is no pool, the store writes its own again. */
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

  /** The backend has lost the pool: every variable goes back to it. */
  #heal(reason: StoreEvents['heal']['reason']): void {
    const { variables, unsaved, options } = this.#context
    if (options.readOnly) return
    // A writer that still carries what was held has not seen what this store changes, now or before it writes again.
    this.#outdate(variables.knownNames())
    unsaved.toResend(variables.knownNames())
    for (const name of variables.knownNames()) if (!this.#answersFor(name)) this.#lost.add(name)
    unsaved.confirmAll(new Map())
    this.#sendAgain(reason)
  }

  /** The backend holds other texts of these variables than the store knew; what the store has is to be held next. */
  #outdate(names: Iterable<string>): void {
    const { unsaved, history } = this.#context
    for (const name of names) history.outdated(name, unsaved.confirmedText(name), unsaved.text(name))
  }

  /** Writes the pool, even if no variable has changed here. */
  #sendAgain(reason: StoreEvents['heal']['reason']): void {
    const { saving } = this.#parts
    saving.force()
    const healed = () => this.#context.events.emit('heal', { reason })
    saving.save().then(healed, () => {})
  }

  /** The variables that this pool has as older values of this store's own, or lacks only because the backend lost them. */
  #oldNames({ texts }: Payload, ageOf: AgeOf, isLost: boolean): Set<string> {
    const { variables, options } = this.#context
    if (options.readOnly) return new Set()
    const ages = this.#changed(texts).map((name) => [name, ageOf(name, texts.get(name))] as const)
    // A writer writes a pool as it saw it at one moment: if one value in it is stale, no other went back on purpose.
    const isStale = isLost || ages.some(([, age]) => age === 'young')
    const old = ages.filter(([, age]) => age === 'young' || (age === 'aged' && isStale)).map(([name]) => name)
    if (isLost) for (const name of variables.knownNames()) if (!texts.has(name)) old.push(name)
    return new Set(old.filter((name) => this.#isGuarded(name, texts.get(name))))
  }

  /** The variables that these texts change, compared with what the backend was known to hold. */
  #changed(texts: ReadonlyMap<string, string>): string[] {
    const { variables } = this.#context
    const names = new Set([...variables.knownNames(), ...texts.keys()])
    return Array.from(names).filter((name) => this.#isChanged(name, texts.get(name)))
  }

  /** Does this store answer for the variable? An owner does for all, an editor's store for those that it was asked to change. */
  #answersFor(name: string): boolean {
    return this.#context.options.guards === 'all' || this.#parts.edited.has(name)
  }

  /** Does this store keep the variable from going back to this text? */
  #isGuarded(name: string, text: string | undefined): boolean {
    const { guards } = this.#context.options
    if (guards === 'all' || this.#answersFor(name)) return true
    // An editor that may have written over another writer's value brings it back; where an owner lives, the owner does, and
    // may have chosen that very text.
    return !guards.isOwned() && this.#writtenOver.get(name)?.has(text) === true
  }

  /** A write of this store's may land over what another writer has just written. */
  #wroteOver(name: string): void {
    const texts = this.#writtenOver.get(name) ?? new Set()
    this.#writtenOver.set(name, texts.add(this.#context.unsaved.text(name)))
  }

  /** A pool that lacks a variable changes it too while the store only writes that one again because the backend lost it. */
  #isChanged(name: string, text: string | undefined): boolean {
    const { unsaved } = this.#context
    if (text !== unsaved.confirmedText(name)) return true
    return text === undefined && this.#lost.has(name) && unsaved.text(name) !== undefined
  }

  /** Returns whether the pool has older values of this store's own. */
  #merge({ texts, values }: Payload, old: ReadonlySet<string>): boolean {
    const changed = this.#changed(texts)
    for (const name of texts.keys()) this.#lost.delete(name)
    this.#context.unsaved.toResend(old)
    for (const name of changed) if (old.has(name)) this.#context.history.isBack(name, texts.get(name))
    for (const name of changed) this.#mergeOne(name, ownValue(values, name), texts.get(name), old.has(name))
    return changed.some((name) => old.has(name))
  }

  #mergeOne(name: string, remote: JsonValue | undefined, text: string | undefined, isOld: boolean): void {
    const { variables, unsaved, history, events, options, storeName, report } = this.#context
    const confirmed = unsaved.confirmedText(name)
    const local = variables.get(name)
    // A value that the store only passed on is no change of this program, even where a write of this store landed over it.
    const known = confirmed === undefined ? undefined : parseJson(confirmed)
    const isPassedOn = unsaved.isPassedOn(name) || !this.#answersFor(name)
    const base = isOld ? remote : isPassedOn ? local : known
    unsaved.confirmForeign(name, text)
    try {
      // Changed and changed back is a change: what another writer wrote before that must not win over it.
      const isOurChange = !isPassedOn && unsaved.isInFlight(name)
      const merged = mergeVariable({ name, base, local, remote }, options.onConflict, isOurChange)
      if (merged.take === 'local') history.outdated(name, confirmed, unsaved.text(name))
      if (merged.take === 'same') history.outlived(name, confirmed)
      if (merged.take === 'same') unsaved.adoptText(name, text)
      else if (merged.take === 'remote') {
        // Only its owner can tell whether a missing variable was removed or lost.
        if (this.#parts.saving.isWriting && remote !== undefined && local !== undefined) this.#wroteOver(name)
        variables.take(name, remote, text)
      } else if (merged.take === 'other') variables.set(name, merged.value)
      if (merged.conflict) events.emit('conflict', { name, local, remote, value: variables.get(name) })
    } catch (thrown) {
      // onConflict threw, or returned what cannot be stored: the local value stays, as it does by default.
      report(asPersistError(thrown, storeName, 'merged'))
    }
  }
}
