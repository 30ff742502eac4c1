import type { Held, Stamp } from '../contracts/backend.ts'
import { type JsonObject, type JsonValue, ownValue } from '../format/json.ts'
import { parseJson } from '../format/parse-json.ts'
import { type DecodedPayload, decodePayload } from '../format/payload.ts'
import type { AgeOf } from '../merge/history/history.ts'
import type { PayloadKind } from '../merge/history/payload-history.ts'
import { mergeVariable } from '../merge/three-way.ts'
import { asPersistError, type PersistError } from '../runtime/errors.ts'
import type { ChangeEvents } from './change-events.ts'
import type { StoreContext } from './context.ts'
import type { StoreEvents } from './events.ts'
import type { Saving } from './saving.ts'
import { readLimit } from './size-limit.ts'
import type { Validation } from './validation.ts'

/** The texts of variables by name; undefined: the pool does not have it. */
type Texts = ReadonlyMap<string, string | undefined>

/** The parts of a store that taking in others' writes needs, beside what all of them have. */
interface IncomingParts {
  readonly saving: Saving
  readonly changeEvents: ChangeEvents
  readonly validation: Validation
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
    const pool = decodePayload(bytes, storeName)
    this.#outdate(this.#changed(pool).keys())
    if (kind === 'sent') history.arrived()
    unsaved.confirmAll(pool.texts)
    this.#context.journaling?.review()
    if (kind !== 'sent') restore()
  }

  /** @param isLost the backend lost the pool before this was written: no writer removed what is missing there */
  #foreign(bytes: Uint8Array | null, stamp: Stamp | undefined, isLost = false): void {
    const { history } = this.#context
    const { changeEvents, validation, saving } = this.#parts
    const theirs = this.#usable(bytes)
    if (theirs === undefined || bytes === null) return
    const ageOf = history.received(bytes, stamp)
    // Listeners hear of this program's changes first: the other writer's have another origin.
    changeEvents.flush()
    const before = validation.before()
    const changed = this.#changed(theirs)
    const isUndone = this.#merge(theirs.values, changed, this.#oldNames(theirs.values, changed, ageOf, isLost))
    const outcome = before === undefined ? 'taken' : validation.merged([...changed.keys()], before, theirs.values)
    changeEvents.flush()
    this.#context.journaling?.review()
    if (outcome === 'refused') this.#sendAgain('invalid')
    // The other writer had not seen this store's last changes: the store writes them again.
    else if (outcome !== 'ended' && (isUndone || outcome === 'coerced')) void saving.save()
  }

  /** The pool that another writer wrote; where it is no pool, the store writes its own again. */
  #usable(bytes: Uint8Array | null): DecodedPayload | undefined {
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
  #oldNames(values: JsonObject, changed: Texts, ageOf: AgeOf, isLost: boolean): Set<string> {
    const { variables, options } = this.#context
    if (options.readOnly) return new Set()
    const ages = Array.from(changed, ([name, text]) => [name, ageOf(name, text)] as const)
    // A writer writes a pool as it saw it at one moment: if one value in it is stale, no other went back on purpose.
    const isStale = isLost || ages.some(([, age]) => age === 'young')
    const old = ages.filter(([, age]) => age === 'young' || (age === 'aged' && isStale)).map(([name]) => name)
    if (isLost) for (const name of variables.knownNames()) if (!Object.hasOwn(values, name)) old.push(name)
    return new Set(old.filter((name) => this.#isGuarded(name, changed.get(name))))
  }

  /**
   * What a pool changes, compared with what the backend was known to hold. A pool that lacks a variable changes it too while
   * the store only writes that one again because the backend lost it.
   */
  #changed(pool: DecodedPayload): Texts {
    const { unsaved } = this.#context
    const changed = unsaved.differing(pool)
    for (const name of this.#lost) {
      if (!Object.hasOwn(pool.values, name) && unsaved.text(name) !== undefined) changed.set(name, undefined)
    }
    return changed
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

  /** Returns whether the pool has older values of this store's own. */
  #merge(values: JsonObject, changed: Texts, old: ReadonlySet<string>): boolean {
    for (const name of this.#lost) if (Object.hasOwn(values, name)) this.#lost.delete(name)
    this.#context.unsaved.toResend(old)
    for (const [name, text] of changed) if (old.has(name)) this.#context.history.isBack(name, text)
    for (const [name, text] of changed) this.#mergeOne(name, ownValue(values, name), text, old.has(name))
    return Array.from(changed.keys()).some((name) => old.has(name))
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
