import type { PersistError } from '../runtime/errors.ts'

/** What a store is doing, with what is known about it; `state` tells which. */
export type Status =
  | ConnectingStatus
  | WaitingStatus
  | ReadyStatus
  | OfflineStatus
  | ReadOnlyStatus
  | FailedStatus
  | ClosedStatus

interface Everywhere {
  /** Where the pool is kept, for people. */
  readonly place: string
}

/** Known once the backend has answered. */
interface Linked extends Everywhere {
  /** How sure it is what the backend held when it was last opened: see `Held` in backend.ts. */
  readonly proof: 'exact' | 'fence' | 'settled'
  /** MQTT only: 4 is MQTT 3.1.1, 5 is MQTT 5. */
  readonly protocolVersion?: 4 | 5
  /** Is there a change that the backend does not hold yet? */
  readonly unsaved: boolean
  /** With a journal: did the program that had it last close its store, or was it killed? Not there at the first start. */
  readonly lastExit?: 'clean' | 'crash'
}

/** Opening: the variables are not here yet. */
export interface ConnectingStatus extends Everywhere {
  readonly state: 'connecting'
}

/** Nothing usable is held: `zero()` starts a pool, and so does anybody who writes one. */
export interface WaitingStatus extends Everywhere {
  readonly state: 'waiting'
  /** What is held instead of a pool; without it, nothing is held. */
  readonly error?: PersistError
}

/** The variables are here, and can be saved. */
export interface ReadyStatus extends Linked {
  readonly state: 'ready'
}

/** The variables are here, the backend is out of reach; what is saved now is sent when it is back. */
export interface OfflineStatus extends Linked {
  readonly state: 'offline'
  readonly error: PersistError
}

/** The variables are here and follow the backend; this store does not change them. */
export interface ReadOnlyStatus extends Linked {
  readonly state: 'readonly'
  /** Why a store that was opened to change them cannot any more: then they do not follow the backend either. */
  readonly error?: PersistError
}

/** Opening failed; the store is of no more use. */
export interface FailedStatus extends Everywhere {
  readonly state: 'failed'
  readonly error: PersistError
}

/** Let go of; the variables can still be read. */
export interface ClosedStatus extends Everywhere {
  readonly state: 'closed'
}
