import type { Held } from './backend.ts'
import { asPersistError, type PersistError } from './errors.ts'
import type { Events, StoreEvents } from './events.ts'
import type { JsonValue } from './json.ts'
import { mergeVariable, type OnConflict } from './merge.ts'
import { decodePayload, type Payload } from './payload.ts'
import type { PayloadHistory } from './payload-history.ts'
import { ownValue } from './recovery.ts'
import type { StoreJournal } from './store-journal.ts'
import type { Watching } from './store-watching.ts'
import type { Variables } from './variables.ts'

/** What taking in other writers' pools needs of the store around it. */
export interface RemoteHost {
  /** Name and place, for messages. */
  readonly label: string
  readonly variables: Variables
  readonly history: PayloadHistory
  readonly events: Events<StoreEvents>
  readonly journal: StoreJournal | undefined
  readonly watching: Watching
  readonly onConflict: OnConflict
  /** Nothing is ever sent: what the backend holds is right. */
  readonly readOnly: boolean
  trouble(error: PersistError): void
  /** Sends the pool though nothing may have changed here. */
  sendAgain(reason: StoreEvents['heal']['reason']): void
}

/** Takes in what the backend holds without our having written it. */
export class Remote {
  readonly #host: RemoteHost

  constructor(host: RemoteHost) {
    this.#host = host
  }

  /** Somebody else wrote this, or deleted the pool (null). */
  changed(bytes: Uint8Array | null): void {
    const { history, watching, journal } = this.#host
    const theirs = this.#usable(bytes)
    if (theirs === undefined || bytes === null) return
    history.seen(bytes)
    // Our own changes so far are told before theirs, which have another origin.
    watching.flush()
    this.#merge(theirs)
    watching.flush()
    journal?.review()
  }

  /** The link was gone and is back. An older pool of ours is no edit of somebody's: the broker has lost the newer ones. */
  reopened({ bytes }: Held): void {
    const { history, variables, journal, label, readOnly } = this.#host
    const kind = bytes === null ? 'none' : history.kindOf(bytes)
    if (readOnly || kind === 'unknown') {
      this.changed(bytes)
    } else if (bytes === null) {
      this.#heal('lost')
    } else if (kind !== 'last') {
      // One of our own: there is nothing in it that we do not know, and now we know that it is what is held.
      variables.confirmAll(decodePayload(bytes, label).texts)
      journal?.review()
      if (kind === 'older') this.#host.sendAgain('lost')
    }
  }

  /** The pool in what somebody else wrote; where there is none, the backend gets ours again. */
  #usable(bytes: Uint8Array | null): Payload | undefined {
    try {
      if (bytes !== null) return decodePayload(bytes, this.#host.label)
      this.#heal('deleted')
    } catch (error) {
      this.#host.trouble(error as PersistError)
      this.#heal('overwritten')
    }
    return undefined
  }

  #heal(reason: StoreEvents['heal']['reason']): void {
    if (this.#host.readOnly) return
    this.#host.variables.confirmAll(new Map())
    this.#host.sendAgain(reason)
  }

  #merge(theirs: Payload): void {
    const { variables } = this.#host
    for (const name of new Set([...variables.knownNames(), ...theirs.texts.keys()])) {
      const text = theirs.texts.get(name)
      if (text !== variables.confirmedText(name)) this.#mergeOne(name, ownValue(theirs.values, name), text)
    }
  }

  #mergeOne(name: string, remote: JsonValue | undefined, text: string | undefined): void {
    const { variables, events } = this.#host
    const confirmed = variables.confirmedText(name)
    const local = variables.get(name)
    // What others wrote and we only passed on is no change of ours, even where a write of ours has landed over it.
    const known = confirmed === undefined ? undefined : (JSON.parse(confirmed) as JsonValue)
    const base = variables.isTheirs(name) ? local : known
    variables.confirmForeign(name, text)
    try {
      const merged = mergeVariable({ name, base, local, remote }, this.#host.onConflict)
      if (merged.take === 'same') variables.adoptText(name, text)
      else if (merged.take === 'remote') variables.take(name, remote, text)
      else if (merged.take === 'other') variables.set(name, merged.value)
      if (merged.conflict) events.emit('conflict', { name, local, remote, value: variables.get(name) })
    } catch (thrown) {
      // onConflict threw, or returned what cannot be stored: ours stays, as it does by default.
      this.#host.trouble(asPersistError(thrown, this.#host.label, 'merged'))
    }
  }
}
