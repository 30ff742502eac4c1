import type { Held, Stamp } from '../contracts/backend.ts'
import { type JsonValue, ownValue } from '../format/json.ts'
import { parseJson } from '../format/parse-json.ts'
import { decodePayload, type Payload } from '../format/payload.ts'
import type { AgeOf, History } from '../merge/history/history.ts'
import type { PayloadKind } from '../merge/history/payload-history.ts'
import { mergeVariable, type OnConflict } from '../merge/three-way.ts'
import { asPersistError, type PersistError } from '../runtime/errors.ts'
import type { Variables } from '../variables/variables.ts'
import type { Watching } from './change-events.ts'
import type { Events, StoreEvents } from './events.ts'
import type { StoreJournal } from './journaling.ts'
import type { Guards } from './options.ts'
import type { Saving } from './saving.ts'
import type { Fitting } from './validation.ts'

/** What taking in other writers' pools needs of the store around it. */
export interface RemoteHost {
  /** Name and place, for messages. */
  readonly label: string
  readonly variables: Variables
  readonly history: History
  readonly events: Events<StoreEvents>
  readonly journal: StoreJournal | undefined
  readonly watching: Watching
  readonly saving: Saving
  readonly fitting: Fitting
  readonly onConflict: OnConflict
  /** Nothing is ever sent: what the backend holds is right. */
  readonly readOnly: boolean
  readonly guards: Guards
  /** The variables that an editor's store was asked to change. */
  readonly edited: ReadonlySet<string>
  /** The largest pool that is read, in bytes. */
  readonly limitBytes: number
  trouble(error: PersistError): void
}

/** Takes in what the backend holds without our having written it. */
export class Remote {
  readonly #host: RemoteHost
  /** The variables that the backend had lost and nobody has written since, but for those that this store guards. */
  readonly #lost = new Set<string>()
  /** What a write of ours said, or may have said, of variables that somebody else wrote while it was under way. */
  readonly #writtenOver = new Map<string, Set<string | undefined>>()

  constructor(host: RemoteHost) {
    this.#host = host
  }

  /** This has come: somebody else wrote it, or deleted the pool (null), or it is a write of ours that came late. */
  changed(bytes: Uint8Array | null, stamp?: Stamp): void {
    const kind = bytes === null || this.#host.readOnly ? 'unknown' : this.#host.history.kindOf(bytes)
    if (bytes !== null && (kind === 'sent' || kind === 'stray')) this.#known(bytes, kind)
    else this.#foreign(bytes, stamp)
  }

  /** The link was gone and is back. An older pool of ours is no edit of somebody's: the broker has lost the newer ones. */
  reopened({ bytes, stamp, isLost = false }: Held): void {
    const { history, readOnly } = this.#host
    const kind = bytes === null ? 'unknown' : history.kindOf(bytes)
    if (bytes === null && !readOnly) this.#heal('lost')
    else if (bytes === null || readOnly || kind === 'unknown') this.#foreign(bytes, stamp, isLost)
    else if (kind !== 'last') this.#known(bytes, kind, () => this.#sendAgain('lost'))
    history.linked = true
  }

  /** This is held, though it is not what was said to be: messages came in another order than they were kept. */
  reread(bytes: Uint8Array | null, stamp?: Stamp): void {
    const kind = bytes === null || this.#host.readOnly ? 'unknown' : this.#host.history.kindOf(bytes)
    if (bytes === null || kind === 'unknown') this.#foreign(bytes, stamp)
    else if (kind !== 'last') this.#known(bytes, kind)
  }

  /** There is nothing in it that we do not know, and now we know that it is what is held. */
  #known(bytes: Uint8Array, kind: PayloadKind, restore: () => void = () => void this.#host.saving.save()): void {
    const { history, variables, journal, label } = this.#host
    const { texts } = decodePayload(bytes, label)
    this.#outdate(this.#changed(texts))
    if (kind === 'sent') history.arrived()
    variables.confirmAll(texts)
    journal?.review()
    if (kind !== 'sent') restore()
  }

  /** @param isLost it was written where everything had been lost: what is missing there was not removed by anybody */
  #foreign(bytes: Uint8Array | null, stamp: Stamp | undefined, isLost = false): void {
    const { history, watching, journal, fitting, saving } = this.#host
    const theirs = this.#usable(bytes)
    if (theirs === undefined || bytes === null) return
    const ageOf = history.received(bytes, stamp)
    // Our own changes so far are told before theirs, which have another origin.
    watching.flush()
    const before = fitting.before()
    const changed = before === undefined ? [] : this.#changed(theirs.texts)
    const isUndone = this.#merge(theirs, this.#oldNames(theirs, ageOf, isLost))
    const fit = before === undefined ? 'taken' : fitting.merged(changed, before, theirs.values)
    watching.flush()
    journal?.review()
    if (fit === 'refused') this.#sendAgain('invalid')
    // Its writer had not seen our last changes: they are to be held again.
    else if (fit !== 'ended' && (isUndone || fit === 'fitted')) void saving.save()
  }

  /** The pool in what somebody else wrote; where there is none, the backend gets ours again. */
  #usable(bytes: Uint8Array | null): Payload | undefined {
    try {
      if (bytes !== null) return decodePayload(bytes, this.#host.label, this.#host.limitBytes)
      this.#heal('deleted')
    } catch (error) {
      this.#host.trouble(error as PersistError)
      this.#heal('overwritten')
    }
    return undefined
  }

  #heal(reason: StoreEvents['heal']['reason']): void {
    if (this.#host.readOnly) return
    const { variables } = this.#host
    // Who still has what was held has not seen what it is changed to here, before the pool is held again or after.
    this.#outdate(variables.knownNames())
    variables.undone(variables.knownNames())
    for (const name of variables.knownNames()) if (!this.#isOurs(name)) this.#lost.add(name)
    variables.confirmAll(new Map())
    this.#sendAgain(reason)
  }

  /** Something else is held of these variables than we knew, and what is here is to be held next. */
  #outdate(names: Iterable<string>): void {
    const { variables, history } = this.#host
    for (const name of names) history.outdated(name, variables.confirmedText(name), variables.text(name))
  }

  /** Sends the pool though nothing may have changed here. */
  #sendAgain(reason: StoreEvents['heal']['reason']): void {
    const { saving, events } = this.#host
    saving.force()
    const healed = () => events.emit('heal', { reason })
    saving.save().then(healed, () => {})
  }

  /** The variables of which it has older values of ours, or that it lacks only because they were lost. */
  #oldNames({ texts }: Payload, ageOf: AgeOf, isLost: boolean): Set<string> {
    const { variables, readOnly } = this.#host
    if (readOnly) return new Set()
    const ages = this.#changed(texts).map((name) => [name, ageOf(name, texts.get(name))] as const)
    // A pool is of one moment: where one of its values is stale, no other one has gone back on purpose.
    const isStale = isLost || ages.some(([, age]) => age === 'young')
    const old = ages.filter(([, age]) => age === 'young' || (age === 'aged' && isStale)).map(([name]) => name)
    if (isLost) for (const name of variables.knownNames()) if (!texts.has(name)) old.push(name)
    return new Set(old.filter((name) => this.#isGuarded(name, texts.get(name))))
  }

  /** The variables of which these are not the texts that were held before. */
  #changed(texts: ReadonlyMap<string, string>): string[] {
    const { variables } = this.#host
    const names = new Set([...variables.knownNames(), ...texts.keys()])
    return Array.from(names).filter((name) => this.#isChanged(name, texts.get(name)))
  }

  /** Is it this store's own, to be kept from going back to an old value? */
  #isOurs(name: string): boolean {
    return this.#host.guards === 'all' || this.#host.edited.has(name)
  }

  /** Is this variable to be kept from going back to this text? */
  #isGuarded(name: string, text: string | undefined): boolean {
    const { guards } = this.#host
    if (guards === 'all' || this.#isOurs(name)) return true
    // Whoever may have written over somebody's value has to see that it gets there; but an owner sees to it anyway, and
    // may have put that text back.
    return !guards.isOwned() && this.#writtenOver.get(name)?.has(text) === true
  }

  /** A write of ours may land over what somebody else has just written. */
  #wroteOver(name: string): void {
    const said = this.#writtenOver.get(name) ?? new Set()
    this.#writtenOver.set(name, said.add(this.#host.variables.text(name)))
  }

  /** A variable that is only being sent again, because it was lost, may be removed by somebody else meanwhile. */
  #isChanged(name: string, text: string | undefined): boolean {
    const { variables } = this.#host
    if (text !== variables.confirmedText(name)) return true
    return text === undefined && this.#lost.has(name) && variables.text(name) !== undefined
  }

  /** Returns whether there are older values of ours in it. */
  #merge({ texts, values }: Payload, old: ReadonlySet<string>): boolean {
    const changed = this.#changed(texts)
    for (const name of texts.keys()) this.#lost.delete(name)
    this.#host.variables.undone(old)
    for (const name of changed) if (old.has(name)) this.#host.history.isBack(name, texts.get(name))
    for (const name of changed) this.#mergeOne(name, ownValue(values, name), texts.get(name), old.has(name))
    return changed.some((name) => old.has(name))
  }

  #mergeOne(name: string, remote: JsonValue | undefined, text: string | undefined, isOurs: boolean): void {
    const { variables, events } = this.#host
    const confirmed = variables.confirmedText(name)
    const local = variables.get(name)
    // What others wrote and we only passed on is no change of ours, even where a write of ours has landed over it.
    const known = confirmed === undefined ? undefined : parseJson(confirmed)
    const isTheirs = variables.isTheirs(name) || !this.#isOurs(name)
    const base = isOurs ? remote : isTheirs ? local : known
    variables.confirmForeign(name, text)
    try {
      // Changed and back again is a change: what was written before that is not to win over it.
      const isOurChange = !isTheirs && variables.isInFlight(name)
      const merged = mergeVariable({ name, base, local, remote }, this.#host.onConflict, isOurChange)
      if (merged.take === 'local') this.#host.history.outdated(name, confirmed, variables.text(name))
      if (merged.take === 'same') this.#host.history.outlived(name, confirmed)
      if (merged.take === 'same') variables.adoptText(name, text)
      else if (merged.take === 'remote') {
        // Whether what is not there was removed or lost, nobody but its owner can tell.
        if (this.#host.saving.isWriting && remote !== undefined && local !== undefined) this.#wroteOver(name)
        variables.take(name, remote, text)
      } else if (merged.take === 'other') variables.set(name, merged.value)
      if (merged.conflict) events.emit('conflict', { name, local, remote, value: variables.get(name) })
    } catch (thrown) {
      // onConflict threw, or returned what cannot be stored: ours stays, as it does by default.
      this.#host.trouble(asPersistError(thrown, this.#host.label, 'merged'))
    }
  }
}
