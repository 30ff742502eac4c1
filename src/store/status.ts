import type { Held } from '../contracts/backend.ts'
import { PersistError, thrownAgain } from '../runtime/errors.ts'

interface Everywhere {
  /** Where the pool is, for people; without password. */
  readonly place: string
}

/** What the store knows once the backend has answered. */
interface Linked extends Everywhere {
  /** How the backend made sure of what it held when the link last came up: see `Held` in contracts/backend.ts. */
  readonly proof: 'exact' | 'fence' | 'settled'
  /** MQTT only: 4 is MQTT 3.1.1, 5 is MQTT 5. */
  readonly protocolVersion?: 4 | 5
  /** Is there a change that the backend does not hold yet? */
  readonly unsaved: boolean
  /** With a journal: did the last program close its store, or was it killed? Missing at the first start. */
  readonly lastExit?: 'clean' | 'crash'
}

/** What a store is doing; `state` tells which facts are there. */
export type Status =
  /** The store is being opened. */
  | (Everywhere & { readonly state: 'connecting' })
  /** The backend holds no pool (`error`: but something else). `zero()` starts one, and so does another writer. */
  | (Everywhere & { readonly state: 'waiting'; readonly error?: PersistError })
  /** The program can use the variables and save them. */
  | (Linked & { readonly state: 'ready' })
  /** The backend is out of reach. The program can use the variables; a save waits until the link is back. */
  | (Linked & { readonly state: 'offline'; readonly error: PersistError })
  /** The program can only read the variables. They follow the backend, unless `error` says why the store gave up the pool. */
  | (Linked & { readonly state: 'readonly'; readonly error?: PersistError })
  /** Opening failed; the program has to open another store. */
  | (Everywhere & { readonly state: 'failed'; readonly error: PersistError })
  /** The store is closed; the program can still read the variables. */
  | (Everywhere & { readonly state: 'closed' })

/** Which state a store is in, with the facts of its `$status`. */
export class StoreState {
  readonly #place: string
  readonly #storeName: string
  readonly #readOnly: boolean
  #name: Status['state'] = 'connecting'
  /** Why the store is offline, failed or read-only, or what it found instead of a pool. */
  error: PersistError | undefined
  /** What the backend held when the link last came up. */
  held: Held | undefined
  lastExit: 'clean' | 'crash' | undefined
  #leaving: Promise<void> | undefined

  constructor(place: string, storeName: string, readOnly: boolean) {
    this.#place = place
    this.#storeName = storeName
    this.#readOnly = readOnly
  }

  get name(): Status['state'] {
    return this.#name
  }

  become(name: Status['state'], error?: PersistError): void {
    this.#name = name === 'ready' && this.#readOnly ? 'readonly' : name
    this.error = error
  }

  /** The program ends: until `over` is settled, nothing that it does with the closed store fails. */
  leave(over: Promise<unknown>): void {
    this.#leaving ??= over.then(() => {
      this.#leaving = undefined
    })
  }

  /** Settles when the program has turned out to go on; undefined: it does. */
  get leaving(): Promise<void> | undefined {
    return this.#leaving
  }

  /** A save of what the program has changed since the store was closed. */
  async savedTooLate(): Promise<never> {
    await this.#leaving
    throw this.unusable()
  }

  get isReady(): boolean {
    return this.#name === 'ready' || this.#name === 'offline' || this.#name === 'readonly'
  }

  /** Why a store that was opened to change the pool gave it up. */
  get ended(): PersistError | undefined {
    return this.#name === 'readonly' ? this.error : undefined
  }

  /** @throws {PersistError} ERR_PERSIST_READ_ONLY, _NOT_READY, _CLOSED, or why the store failed or gave up the pool */
  assertWritable(): void {
    const store = this.#storeName
    if (this.#readOnly) {
      const text = `Store ${store} was opened with readOnly; open it without to change it.`
      throw new PersistError('ERR_PERSIST_READ_ONLY', text, { store })
    }
    if (this.#name === 'closed' && this.#leaving !== undefined) return
    if (!this.isReady) throw this.unusable()
    if (this.ended) throw thrownAgain(this.ended)
  }

  /** Why the variables cannot be used now. */
  unusable(): PersistError {
    const store = this.#storeName
    if (this.#name === 'failed') return thrownAgain(this.error as PersistError)
    if (this.#name === 'closed') {
      return new PersistError('ERR_PERSIST_CLOSED', `Store ${store} is closed; open it again.`, { store })
    }
    const waiting = this.#name === 'waiting'
    const advice = waiting ? 'nothing is held there; zero() starts a pool' : 'use exec(), or await openStore()'
    const text = `Store ${store} is not ready, its variables are not here yet: ${advice}.`
    return new PersistError('ERR_PERSIST_NOT_READY', text, { store })
  }

  status(unsaved: boolean): Status {
    const place = this.#place
    const { error, held, lastExit } = this
    const because = error as PersistError
    switch (this.#name) {
      case 'connecting':
      case 'closed':
        return { state: this.#name, place }
      case 'waiting':
        return { state: 'waiting', place, ...(error && { error }) }
      case 'failed':
        return { state: 'failed', place, error: because }
      default: {
        const { proof, protocolVersion } = held as Held
        const known = { ...(protocolVersion && { protocolVersion }), ...(lastExit && { lastExit }) }
        const linked = { place, proof, ...known, unsaved }
        if (this.#name === 'offline') return { state: 'offline', ...linked, error: because }
        return this.#name === 'ready'
          ? { state: 'ready', ...linked }
          : { state: 'readonly', ...linked, ...(error && { error }) }
      }
    }
  }
}
