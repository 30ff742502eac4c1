import type { Held } from '../contracts/backend.ts'
import { type JsonValue, ownValue, sameJson } from '../format/json.ts'
import { parseJson } from '../format/parse-json.ts'
import { type DecodedPayload, decodePayload } from '../format/payload.ts'
import type { Seen } from '../merge/revisions.ts'
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

/** How the store has come to know what is held: written just now, found when it was read again, or when the link was back. */
type How = 'written' | 'found' | 'reopened'

/** The parts of a store that taking in others' writes needs, beside what all of them have. */
interface IncomingParts {
  readonly saving: Saving
  readonly changeEvents: ChangeEvents
  readonly validation: Validation
  /** The names of the variables that an editor has asked this store to change. */
  readonly edited: Set<string>
}

/**
 * Takes in what the backend holds although this store did not write it.
 *
 * Each variable is merged three-way with what the writer had seen (merge/revisions.ts). What it only carried along as it
 * had been, and this store has changed since, the store writes again; and all of it where the backend has lost the pool.
 */
export class Incoming {
  readonly #context: StoreContext
  readonly #parts: IncomingParts
  constructor(context: StoreContext, parts: IncomingParts) {
    this.#context = context
    this.#parts = parts
  }

  /** Another writer wrote this pool, or deleted it (null); or a write of this store's own arrived late. */
  written(bytes: Uint8Array | null): void {
    this.#take(bytes, 'written')
  }

  /** The link is back. Where the broker now holds an older pool, it has lost the newer ones. */
  reopened({ bytes }: Held): void {
    this.#take(bytes, 'reopened')
  }

  /** The backend read the pool again and holds this: the broker delivered messages in another order than it kept them. */
  found(bytes: Uint8Array | null): void {
    this.#take(bytes, 'found')
  }

  #take(bytes: Uint8Array | null, how: How): void {
    const { storeName, options, report } = this.#context
    let pool: DecodedPayload | undefined
    try {
      pool = bytes === null ? undefined : decodePayload(bytes, storeName, readLimit(options))
    } catch (error) {
      report(error as PersistError)
    }
    if (pool !== undefined) this.#came(pool, how)
    else if (bytes !== null) this.#heal('overwritten')
    else this.#heal(how === 'reopened' ? 'lost' : 'deleted')
  }

  #came(pool: DecodedPayload, how: How): void {
    const { revisions } = this.#context
    const { saving } = this.#parts
    if (saving.isUnderWay && revisions.isStray(pool)) {
      // Our write is about to take its place, and whoever wrote this pool sees to what is in it.
      revisions.passed(pool)
      saving.landsOver(() => this.#merge(pool, 'found'))
    } else {
      this.#merge(pool, how)
    }
  }

  #merge(pool: DecodedPayload, how: How): void {
    const { revisions, unsaved, events } = this.#context
    const { changeEvents, validation, saving } = this.#parts
    saving.forgetPassed()
    // Listeners hear of this program's changes first: the other writer's have another origin.
    changeEvents.flush()
    const before = validation.before()
    const changed = unsaved.differing(pool)
    // Nobody has written it just now: the broker has again what it had.
    const known = how === 'written' ? undefined : revisions.known(pool)
    const seen = known ?? revisions.seenBy(pool)
    this.#addDeliberate(changed, seen)
    const held = new Map<string, string | undefined>()
    for (const name of changed.keys()) held.set(name, unsaved.confirmedText(name))
    const carried = this.#carriedIn(pool, changed, held, seen, how)
    this.#leave(pool)
    const isOld = carried.size > 0 && !revisions.isSent(pool)
    const isStale = isOld && known === undefined
    const isLost = isOld && known !== undefined && how === 'reopened'
    revisions.taken(pool, held)
    unsaved.toResend(carried)
    for (const [name, text] of changed) this.#mergeOne(name, ownValue(pool.values, name), text, carried.has(name))
    const outcome = before === undefined ? 'taken' : validation.merged([...changed.keys()], before, pool.values)
    changeEvents.flush()
    this.#context.journaling?.review()
    if (isStale) events.emit('stale', { names: [...carried] })
    if (outcome === 'refused') this.#sendAgain('invalid')
    else if (outcome === 'ended') return
    else if (isLost) this.#sendAgain('lost')
    else if (carried.size > 0 || outcome === 'coerced') void saving.save()
  }

  /** Adds what is held already, and is to be written again: where the writer of the pool has made it that on purpose. */
  #addDeliberate(changed: Map<string, string | undefined>, seen: Seen): void {
    const { unsaved } = this.#context
    for (const [name, held] of unsaved.passedOn()) {
      const ours = unsaved.text(name)
      if (!changed.has(name) && !seen(name, held, ours, ours)) changed.set(name, held)
    }
  }

  /** The variables that the writer of a pool left as it had seen them, though they are others now. */
  #carriedIn(pool: DecodedPayload, changed: Texts, held: Texts, seen: Seen, how: How): ReadonlySet<string> {
    const { revisions, options, unsaved, variables } = this.#context
    // What the backend holds is right for a store that only reads.
    if (options.readOnly) return new Set()
    const isUnseenEdit = (name: string) => this.#parts.edited.has(name) && !revisions.hasSeenOurs(pool)
    // A guest that was away has missed what others wrote: what it only passes on may be older. The writer of a stray passes it on.
    const isYielding = (options.isGuest && how === 'reopened') || revisions.isStray(pool)
    const isCarried = (name: string) => {
      // By value: who prints JSON in another way has changed nothing.
      if (sameJson(variables.get(name), ownValue(pool.values, name))) return false
      if (isUnseenEdit(name)) return true
      return !isYielding && seen(name, changed.get(name), held.get(name), unsaved.text(name))
    }
    return new Set([...changed.keys()].filter(isCarried))
  }

  /** What a guest was asked for, and an owner has seen by now, is the owner's. */
  #leave(pool: DecodedPayload): void {
    const { options, revisions, unsaved } = this.#context
    const { edited } = this.#parts
    const isOfOwner = pool.revision?.id === pool.name && pool.revision.owner === undefined
    if (!options.isGuest || !isOfOwner || !revisions.hasSeenOurs(pool)) return
    const left = new Set(Array.from(unsaved.variables(), ({ name }) => name))
    for (const name of edited) if (!left.has(name)) edited.delete(name)
  }

  /** The backend has lost the pool: every variable goes back to it. */
  #heal(reason: StoreEvents['heal']['reason']): void {
    const { variables, unsaved, options, revisions } = this.#context
    if (options.readOnly) return
    const names = variables.knownNames()
    revisions.lost(new Map(names.map((name) => [name, unsaved.confirmedText(name)])))
    unsaved.toResend(names)
    unsaved.confirmAll(new Map())
    this.#sendAgain(reason)
  }

  /** Writes the pool, even if no variable has changed here. */
  #sendAgain(reason: StoreEvents['heal']['reason']): void {
    const { saving } = this.#parts
    saving.force()
    const healed = () => this.#context.events.emit('heal', { reason })
    saving.save().then(healed, () => {})
  }

  /** @param isCarried the writer had not changed it */
  #mergeOne(name: string, remote: JsonValue | undefined, text: string | undefined, isCarried: boolean): void {
    const { variables, unsaved, events, options, storeName, report } = this.#context
    const confirmed = unsaved.confirmedText(name)
    const local = variables.get(name)
    // A value that the store only passed on is no change of this program, even where a write of this store landed over it.
    const isPassedOn = unsaved.isPassedOn(name)
    const known = confirmed === undefined ? undefined : parseJson(confirmed)
    const base = isCarried ? remote : isPassedOn ? local : known
    unsaved.confirmForeign(name, text)
    try {
      // Changed and changed back is a change: what another writer wrote before that must not win over it.
      const isOurChange = !isPassedOn && unsaved.isInFlight(name)
      const merged = mergeVariable({ name, base, local, remote }, options.onConflict, isOurChange)
      if (merged.take === 'same') unsaved.adoptText(name, text)
      else if (merged.take === 'remote') variables.take(name, remote, text)
      else if (merged.take === 'other') {
        variables.set(name, merged.value)
        unsaved.adoptDigits(name, text)
      }
      if (merged.conflict) events.emit('conflict', { name, local, remote, value: variables.get(name) })
    } catch (thrown) {
      // onConflict threw, or returned what cannot be stored: the local value stays, as it does by default.
      report(asPersistError(thrown, storeName, 'merged'))
    }
  }
}
