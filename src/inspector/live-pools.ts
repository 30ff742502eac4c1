import { decodeObject, payloadOf, withoutRevision } from '../format/payload.ts'
import { isExamined } from '../pools/doctor.ts'
import type { OwnerKind } from '../pools/owners.ts'
import type { Pools } from '../pools/pools.ts'
import { NOBODY, type OwnerState, type PoolsListener, watchPools } from '../pools/watch-pools.ts'
import { reasonOf } from '../runtime/errors.ts'
import { EventLog } from './event-log.ts'
import { PoolHistory } from './pool-history.ts'
import type { About, LiveEvent, PoolContent, PoolState, PoolSummary, VariableText } from './protocol.ts'

/** Larger changes are not in the event, in characters: only pages that show the pool ask for it. */
const LARGE_CHARACTERS = 64 * 1024
/** How much of a payload that is no pool is shown, in bytes. */
const SHOWN_BYTES = 10_000

/** A pool now. */
interface LivePool {
  /** As the broker holds it. */
  bytes: Uint8Array
  owner: OwnerState
  changedAt: number | undefined
  count: number | null
  /** The variables' texts, kept after the first change for comparing with the next. */
  texts: ReadonlyMap<string, string> | undefined
}

/** All pools as they are now, their history, and the events that keep pages up to date. */
export class LivePools {
  readonly events: EventLog = new EventLog()
  readonly #pools: Pools
  readonly #about: About
  readonly #known = new Map<string, LivePool>()
  readonly #history = new PoolHistory()
  readonly #startedAt = Date.now()
  readonly #deletedAt = new Map<string, number>()
  #incomplete: string | undefined
  #offline: string | undefined

  constructor(pools: Pools, about: About) {
    this.#pools = pools
    this.#about = about
  }

  /**
   * Watches until the signal is aborted.
   *
   * @param onReady called once, when all pools are known
   * @throws {PersistError} the broker cannot be reached at the beginning
   */
  watch(signal: AbortSignal, onReady: () => void): Promise<void> {
    let isReady = false
    const listener: PoolsListener = {
      found: (name, bytes, owner) => void (isExamined(name) || this.#found(name, bytes, owner)),
      ready: (_count, isComplete) => {
        this.#incomplete = isComplete ? undefined : INCOMPLETE
        this.#offline = undefined
        if (isReady) this.events.add({ type: 'online', ...this.#missing() })
        else onReady()
        isReady = true
      },
      changed: (name, before, after) => void (isExamined(name) || this.#changed(name, before, after)),
      owned: (name, owner) => this.#owned(name, owner),
      offline: ({ message }) => {
        this.#offline = message
        this.events.add({ type: 'offline', message })
      },
    }
    return watchPools(this.#pools, undefined, listener, signal)
  }

  /** Are all pools of the broker known? */
  get isComplete(): boolean {
    return this.#incomplete === undefined && this.#offline === undefined
  }

  /** The event with which a page begins. */
  snapshot(): LiveEvent {
    const pools = Array.from(this.#known, ([name, pool]) => summaryOf(name, pool))
    const offline = this.#offline === undefined ? {} : { offline: this.#offline }
    return { type: 'snapshot', about: this.#about, pools, ...this.#missing(), ...offline }
  }

  #missing(): { incomplete?: string } {
    return this.#incomplete === undefined ? {} : { incomplete: this.#incomplete }
  }

  get names(): string[] {
    return [...this.#known.keys()]
  }

  /** What the broker holds, without its revision; null: nothing. */
  bytesOf(name: string): Uint8Array | null {
    const bytes = this.#known.get(name)?.bytes
    return bytes === undefined ? null : withoutRevision(bytes)
  }

  ownerOf(name: string): OwnerKind {
    return this.#known.get(name)?.owner.kind ?? 'none'
  }

  /** A pool with its variables; undefined: there is no such pool. */
  content(name: string): PoolContent | undefined {
    const pool = this.#known.get(name)
    if (pool === undefined) return undefined
    const about = { at: this.events.last, pool: summaryOf(name, pool) }
    const bytes = withoutRevision(pool.bytes)
    try {
      const { texts } = decodeObject(bytes, (reason) => new Error(reason))
      return { ...about, variables: [...texts] }
    } catch (error) {
      const text = new TextDecoder().decode(bytes.subarray(0, SHOWN_BYTES))
      return { ...about, variables: null, invalid: { reason: reasonOf(error), text } }
    }
  }

  /** The former states of a pool and its state now, the oldest first. */
  history(name: string): PoolState[] {
    const past = this.#history.of(name).map(({ since, bytes }): PoolState => ({ since, text: textOf(bytes) }))
    const pool = this.#known.get(name)
    if (pool === undefined && past.length === 0) return []
    const since = pool?.changedAt ?? this.#deletedAt.get(name) ?? this.#startedAt
    return [...past, { since, text: textOf(pool?.bytes ?? null) }]
  }

  #found(name: string, bytes: Uint8Array, owner: OwnerState): void {
    const count = payloadOf(bytes)?.texts.size ?? null
    this.#known.set(name, { bytes, owner, changedAt: undefined, count, texts: undefined })
  }

  #changed(name: string, before: Uint8Array | null, after: Uint8Array | null): void {
    const pool = this.#known.get(name)
    // No two states begin at the same time: pages identify them by it.
    const now = Math.max(Date.now(), (pool?.changedAt ?? 0) + 1)
    const since = pool?.changedAt ?? this.#deletedAt.get(name) ?? this.#startedAt
    if (before !== null || this.#deletedAt.has(name)) this.#history.add(name, { since, bytes: before })
    if (after === null) {
      this.#known.delete(name)
      this.#deletedAt.set(name, now)
      this.events.add({ type: 'deleted', name })
      return
    }
    this.#deletedAt.delete(name)
    const texts = payloadOf(after)?.texts
    const count = texts?.size ?? null
    const known = pool?.texts ?? payloadOf(before)?.texts
    const owner = pool?.owner ?? NOBODY
    const changed: LivePool = { bytes: after, owner, changedAt: now, count, texts }
    this.#known.set(name, changed)
    const changes = known === undefined || texts === undefined ? null : changesOf(known, texts)
    this.events.add({ type: 'pool', pool: summaryOf(name, changed), changes })
  }

  #owned(name: string, owner: OwnerState): void {
    const pool = this.#known.get(name)
    if (pool === undefined) return
    pool.owner = owner
    this.events.add({ type: 'pool', pool: summaryOf(name, pool) })
  }
}

const INCOMPLETE =
  'Some pools may be missing: the broker has dropped messages on the way here, does not say whether it has, or does not ' +
  'let this user see all of them. Set max_queued_messages 0 in mosquitto.conf; the doctor and persist-mqtt ls tell more.'

/** The variables that differ; null: more than LARGE_CHARACTERS. */
function changesOf(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): VariableText[] | null {
  const changes: VariableText[] = []
  let characters = 0
  const add = (name: string, text: string | null) => {
    changes.push([name, text])
    characters += name.length + (text?.length ?? 0)
  }
  for (const [name, text] of after) if (before.get(name) !== text) add(name, text)
  for (const name of before.keys()) if (!after.has(name)) add(name, null)
  return characters > LARGE_CHARACTERS ? null : changes
}

function summaryOf(name: string, { bytes, owner: { kind, isOnline }, changedAt, count }: LivePool): PoolSummary {
  return {
    name,
    owner: kind,
    ...(isOnline !== undefined && { isOnline }),
    variables: count,
    bytes: bytes.length,
    ...(changedAt !== undefined && { changedAt }),
  }
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(withoutRevision(bytes))
}
