import type { Held } from '../contracts/backend.ts'
import { PersistError } from '../runtime/errors.ts'

interface Everywhere {
  /** Where the pool is kept, for people. */
  readonly place: string
}

/** Known once the backend has answered. */
interface Linked extends Everywhere {
  /** How sure it is what the backend held when it was last opened: see `Held` in contracts/backend.ts. */
  readonly proof: 'exact' | 'fence' | 'settled'
  /** MQTT only: 4 is MQTT 3.1.1, 5 is MQTT 5. */
  readonly protocolVersion?: 4 | 5
  /** Is there a change that the backend does not hold yet? */
  readonly unsaved: boolean
  /** With a journal: did the program that had it last close its store, or was it killed? Not there at the first start. */
  readonly lastExit?: 'clean' | 'crash'
}

/** What a store is doing, with what is known about it; `state` tells which. */
export type Status =
  /** Opening: the variables are not here yet. */
  | (Everywhere & { readonly state: 'connecting' })
  /** The backend holds no pool, but perhaps something else (`error`): `zero()` starts a pool, and so does any writer. */
  | (Everywhere & { readonly state: 'waiting'; readonly error?: PersistError })
  /** The variables are here, and can be saved. */
  | (Linked & { readonly state: 'ready' })
  /** The variables are here, the backend is out of reach; what is saved now is sent when it is back. */
  | (Linked & { readonly state: 'offline'; readonly error: PersistError })
  /** The variables can only be read. They follow the backend, unless `error` says why this store may not change them any more. */
  | (Linked & { readonly state: 'readonly'; readonly error?: PersistError })
  /** Opening failed; the store is of no more use. */
  | (Everywhere & { readonly state: 'failed'; readonly error: PersistError })
  /** Let go of; the variables can still be read. */
  | (Everywhere & { readonly state: 'closed' })

/** Which state a store is in, with the facts that its `$status` tells. */
export class StoreState {
  readonly #place: string
  readonly #storeName: string
  readonly #readOnly: boolean
  #name: Status['state'] = 'connecting'
  /** Why it is offline or failed, why it can only be read from now on, or what it found instead of a pool. */
  error: PersistError | undefined
  /** What the backend said when it was last opened; there from then on. */
  held: Held | undefined
  /** What the journal tells about the last program. */
  lastExit: 'clean' | 'crash' | undefined

  /** @param storeName name and place, for messages */
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

  /** Are the variables here, and is the store in use? */
  get isReady(): boolean {
    return this.#name === 'ready' || this.#name === 'offline' || this.#name === 'readonly'
  }

  /** Why a store that was opened to change the variables can only be read from now on. */
  get ended(): PersistError | undefined {
    return this.#name === 'readonly' ? this.error : undefined
  }

  /** Throws where the variables may not be changed now. */
  assertWritable(): void {
    const store = this.#storeName
    if (this.#readOnly) {
      const text = `Store ${store} was opened with readOnly; open it without to change it.`
      throw new PersistError('ERR_PERSIST_READ_ONLY', text, { store })
    }
    if (!this.isReady) throw this.unusable()
    if (this.ended) throw this.ended
  }

  /** Why the variables cannot be used now. */
  unusable(): PersistError {
    const store = this.#storeName
    if (this.#name === 'failed') return this.error as PersistError
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
        const told = { ...(protocolVersion && { protocolVersion }), ...(lastExit && { lastExit }) }
        const linked = { place, proof, ...told, unsaved }
        if (this.#name === 'offline') return { state: 'offline', ...linked, error: because }
        return this.#name === 'ready'
          ? { state: 'ready', ...linked }
          : { state: 'readonly', ...linked, ...(error && { error }) }
      }
    }
  }
}
