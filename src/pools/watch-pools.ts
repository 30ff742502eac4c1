import { sameBytes } from '../format/bytes.ts'
import { withoutRevision } from '../format/payload.ts'
import type { Message } from '../mqtt/connection.ts'
import { ConnectionLost, wasClosed } from '../mqtt/failure.ts'
import { asPersistError, type PersistError } from '../runtime/errors.ts'
import { aborted, orAfter } from '../runtime/promises.ts'
import { type OwnerKind, Owners } from './owners.ts'
import type { Pools } from './pools.ts'
import { readRetained } from './read-retained.ts'

/** The first pause before connecting again, and the longest one, in milliseconds. */
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 15_000

type Bytes = Uint8Array | null

/** Who owns a pool, and whether it is online; undefined: nobody ever said. */
export interface OwnerState {
  readonly kind: OwnerKind
  readonly isOnline: boolean | undefined
}

export const NOBODY: OwnerState = { kind: 'none', isOnline: undefined }

/** Hears what happens to pools. */
export interface PoolsListener {
  /** A pool that the broker holds at the beginning; called for all of them before the first `ready`. */
  found(name: string, bytes: Uint8Array, owner: OwnerState): void
  /** All pools are known: at the beginning, and after each lost connection. */
  ready(count: number, isComplete: boolean): void
  /** A pool has changed; null: there was none, or it was deleted. */
  changed(name: string, before: Bytes, after: Bytes): void
  /** The owner of a pool is another one, or came online or went offline. */
  owned(name: string, now: OwnerState, before: OwnerState): void
  /** The connection is lost, and being made again. */
  offline(error: PersistError): void
}

/**
 * Watches pools until the signal is aborted, and connects again whenever the connection is lost. What changed in the
 * meantime is one change for each pool.
 *
 * @param names of the pools; undefined: all
 * @throws {PersistError} where the broker cannot be reached at the beginning
 */
export async function watchPools(
  pools: Pools,
  names: readonly string[] | undefined,
  listener: PoolsListener,
  signal: AbortSignal,
): Promise<void> {
  const watch = new PoolsWatch(pools, names, listener)
  const ended = aborted(signal)
  let pauseMs = FIRST_PAUSE_MS
  while (!signal.aborted) {
    try {
      await watch.untilLost(ended)
      pauseMs = FIRST_PAUSE_MS
    } catch (error) {
      if (signal.aborted) return
      if (watch.narrowed()) continue
      if (!watch.wasReady) throw error
      listener.offline(asPersistError(error, pools.place, 'watched'))
    }
    // Of random length, so that not all clients come back at the same moment.
    await orAfter(ended, pauseMs * (0.5 + Math.random()), undefined)
    pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)
  }
}

class PoolsWatch {
  wasReady = false
  #hasNarrowed = false
  /** How many levels of names it is asked for. */
  #levels: number
  readonly #pools: Pools
  readonly #names: readonly string[] | undefined
  readonly #listener: PoolsListener
  readonly #known = new Map<string, Uint8Array>()
  readonly #states = new Map<string, OwnerState>()
  #owners = new Owners()

  constructor(pools: Pools, names: readonly string[] | undefined, listener: PoolsListener) {
    this.#pools = pools
    this.#names = names
    this.#listener = listener
    this.#levels = pools.topics.levels
  }

  /** Has the broker closed the first connection at what it was asked for, so that it is asked for less now? True once. */
  narrowed(): boolean {
    const hasNarrowed = this.#hasNarrowed
    this.#hasNarrowed = false
    return hasNarrowed
  }

  /** Connects, and resolves when `ended` does; rejects when the connection is lost. */
  untilLost(ended: Promise<void>): Promise<void> {
    return this.#pools.connected(async (connection) => {
      const { topics } = this.#pools
      const found = new Map<string, Uint8Array>()
      this.#owners = new Owners()
      let isListing = true
      const received = (message: Message) => {
        const { topic, payload } = message
        const about = topics.parse(topic)
        if (about === undefined) return
        if (about.kind === 'pool' && isListing) put(found, about.name, payload)
        else if (about.kind === 'pool') this.#changed(about.name, payload)
        else {
          this.#owners.received(about.name, about.kind, message)
          if (!isListing) this.#owned(about.name)
        }
      }
      const first = await readRetained(connection, {
        filters: topics.filters(this.#names, this.#levels),
        fenceTopic: topics.fence,
        qos: 1,
        visit: received,
      }).catch((error: unknown) => {
        const isClosed = error instanceof ConnectionLost && wasClosed(error.failure)
        this.#hasNarrowed = isClosed && !this.wasReady && this.#names === undefined && this.#levels > 1
        if (this.#hasNarrowed) this.#levels = 1
        throw error
      })
      const hasAsked = this.#names !== undefined || this.#levels === topics.levels
      let isComplete = first.isFenced && first.missing === 0 && first.refused.length === 0 && hasAsked
      // Nothing at all: the broker may send nothing to wildcards.
      if (!isComplete || (this.#names === undefined && found.size === 0)) {
        const more = await this.#pools.list(
          (name, bytes) => void (found.has(name) || put(found, name, bytes)),
          this.#names,
        )
        isComplete = more.isComplete === 'yes'
      }
      isListing = false
      this.#listed(found, isComplete)
      // Rejects when the connection is lost.
      await connection.orLost(ended)
    })
  }

  #listed(found: ReadonlyMap<string, Uint8Array>, isComplete: boolean): void {
    const isFirst = !this.wasReady
    this.wasReady = true
    for (const [name, bytes] of found) {
      if (isFirst) this.#known.set(name, bytes)
      else this.#changed(name, bytes)
    }
    // A pool that did not come is deleted, provided that everything came.
    if (isComplete)
      for (const name of [...this.#known.keys()]) if (!found.has(name)) this.#changed(name, new Uint8Array())
    for (const [name, bytes] of this.#known) {
      if (!isFirst) this.#owned(name)
      else this.#listener.found(name, bytes, this.#stateOf(name))
    }
    this.#listener.ready(this.#known.size, isComplete)
  }

  #changed(name: string, payload: Uint8Array): void {
    const before = this.#known.get(name) ?? null
    const after = payload.length === 0 ? null : new Uint8Array(payload)
    if (after === null) this.#known.delete(name)
    else this.#known.set(name, after)
    // Written once more, it is the same but for its revision.
    if (sameBytes(before && withoutRevision(before), after && withoutRevision(after))) return
    this.#listener.changed(name, before, after)
    if (after === null) this.#states.delete(name)
    else if (before === null) this.#owned(name)
  }

  #owned(name: string): void {
    // A device without a pool is of no interest.
    if (!this.#known.has(name)) return
    const before = this.#states.get(name) ?? NOBODY
    const now = this.#stateOf(name)
    if (before.kind !== now.kind || before.isOnline !== now.isOnline) this.#listener.owned(name, now, before)
  }

  #stateOf(name: string): OwnerState {
    const state = { kind: this.#owners.of(name), isOnline: this.#owners.isOnline(name) }
    this.#states.set(name, state)
    return state
  }
}

function put(pools: Map<string, Uint8Array>, name: string, payload: Uint8Array): void {
  if (payload.length === 0) pools.delete(name)
  else pools.set(name, new Uint8Array(payload))
}
