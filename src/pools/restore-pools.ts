import { sameBytes } from '../format/bytes.ts'
import { decodePayload, joinPayload, withoutRevision } from '../format/payload.ts'
import { type EditWay, openEditor } from '../index.ts'
import { ConnectionLost } from '../mqtt/failure.ts'
import { asPersistError, PersistError } from '../runtime/errors.ts'
import { atOnce } from './at-once.ts'
import { SURE_BYTES } from './listing.ts'
import { poolChanges } from './pool-changes.ts'
import type { Pools } from './pools.ts'
import type { HeldPool, PoolsLink } from './pools-link.ts'

/** So many owners are asked at once: each mostly waits for the broker, on a connection of its own. */
const OWNERS_AT_ONCE = 8

/** A pool, and what it is to become. */
export interface Replacement {
  readonly name: string
  /** No bytes: it is to be gone. */
  readonly bytes: Uint8Array
  /** What it still has to be. @default whatever it is */
  readonly seen?: HeldPool
  /** A program that owns it is asked to assign these variables only. @default to have those of `bytes`, and no others */
  readonly assigned?: Uint8Array
}

export interface RestoreOptions {
  /** When it is aborted, no further pool is begun. */
  readonly signal?: AbortSignal
  /** Called after each pool that was sent, or asked for; fewer, where a lost connection has left some in doubt. */
  onDone?(count: number): void
}

/** For each pool that was begun, by name: how it was replaced, or why not. */
export type Restored = ReadonlyMap<string, EditWay | PersistError>

/**
 * Makes pools what these bytes say: by asking the programs that own them, and all others byte for byte, on one
 * connection. What was written is read again. A failure of one pool does not keep back the others.
 */
export async function restorePools(
  pools: Pools,
  wanted: readonly Replacement[],
  options: RestoreOptions = {},
): Promise<Restored> {
  const restoring = new Restoring(options)
  let left = wanted
  while (left.length > 0 && !options.signal?.aborted) {
    await restoring.tryAll(pools, left)
    left = left.filter(({ name }) => !restoring.results.has(name))
  }
  return restoring.results
}

/**
 * Makes a pool what these bytes say.
 *
 * @throws {PersistError} ERR_PERSIST_BAD_PAYLOAD: a program owns it, and the bytes are no pool; ERR_PERSIST_FAILED:
 * somebody else changed it meanwhile; as an editor's replace(), or a store's save()
 */
export async function restorePool(pools: Pools, name: string, bytes: Uint8Array): Promise<EditWay> {
  return wayOf((await restorePools(pools, [{ name, bytes }])).get(name))
}

/**
 * Makes a pool what these bytes say, on a connection that is there, and makes sure that it is so: by value, since an
 * owner may write the same values as another text.
 *
 * @throws {PersistError} as restorePool()
 */
export async function copyTo(link: PoolsLink, name: string, bytes: Uint8Array): Promise<EditWay> {
  const restoring = new Restoring()
  await restoring.allOn(link, [{ name, bytes }]).catch((error: unknown) => {
    throw restoring.lost.get(name) ?? error
  })
  const way = wayOf(restoring.results.get(name))
  if (way === 'direct') return way
  await link.readAgain([name])
  const { bytes: held } = link.held(name)
  if (held !== null && poolChanges(decodePayload(bytes, name), decodePayload(held, name)).length === 0) return way
  const text = `'${name}' was written, and is not there as it should be. Look at it.`
  throw new PersistError('ERR_PERSIST_FAILED', text, { store: name })
}

function wayOf(result: EditWay | PersistError | undefined): EditWay {
  if (result instanceof Error) throw result
  return result as EditWay
}

function assertSeen(link: PoolsLink, name: string, seen: HeldPool | undefined): void {
  const { bytes, owner } = link.held(name)
  if (seen && !(sameBytes(bytes, seen.bytes) && owner === seen.owner)) throw link.changedError(name)
}

/** The same bytes, but for who wrote them. */
function samePool(one: Uint8Array, other: Uint8Array): boolean {
  return sameBytes(withoutRevision(one), withoutRevision(other))
}

class Restoring {
  readonly results = new Map<string, EditWay | PersistError>()
  /** What was on its way when the connection was lost, with the error for it. */
  readonly lost = new Map<string, PersistError>()
  readonly #options: RestoreOptions
  /** One pool is on its way at a time. */
  #isCareful = false

  constructor(options: RestoreOptions = {}) {
    this.#options = options
  }

  /**
   * Restores on a new connection. Some brokers close it at a pool that they do not take: which one that was is known
   * when it was alone on its way. So after a lost connection there is another one, on which they go one by one.
   */
  async tryAll(pools: Pools, wanted: readonly Replacement[]): Promise<void> {
    let isLinked = false
    try {
      await pools.linked((link) => {
        isLinked = true
        return this.allOn(link, wanted)
      })
    } catch (thrown) {
      const error = asPersistError(thrown, pools.place, 'restored')
      const isLost = isLinked && error.code === 'ERR_PERSIST_CONNECT'
      const [suspect] = this.lost
      if (isLost && suspect && this.lost.size === 1) this.results.set(...suspect)
      else if (isLost && !this.#isCareful) this.#isCareful = true
      else for (const { name } of wanted) if (!this.results.has(name)) this.results.set(name, error)
      this.lost.clear()
    }
  }

  /** @throws {ConnectionLost} */
  async allOn(link: PoolsLink, wanted: readonly Replacement[]): Promise<void> {
    const unread = wanted.map(({ name }) => name).filter((name) => !link.knows(name))
    if (unread.length > 0) await link.read(unread)
    if (!this.#isCareful) {
      await link.lookAgain(wanted.map(({ name }) => name).filter((name) => link.held(name).bytes === null))
    }
    const owned: Replacement[] = []
    const others: Replacement[] = []
    for (const one of wanted) {
      const { bytes, owner } = link.held(one.name)
      if (owner === 'program') owned.push(one)
      else if (bytes !== null && samePool(bytes, one.bytes)) this.results.set(one.name, 'direct')
      else others.push(one)
    }
    await atOnce(
      owned,
      OWNERS_AT_ONCE,
      () => 1,
      (one) => this.#ask(link, one),
    )
    await this.#writeOn(link, others)
  }

  async #ask(link: PoolsLink, { name, bytes, seen, assigned }: Replacement): Promise<void> {
    if (this.#options.signal?.aborted) return
    try {
      assertSeen(link, name, seen)
      const { texts } = decodePayload(assigned ?? bytes, `'${name}'`)
      const values = joinPayload(texts)
      const editor = await openEditor(link.pools.optionsOf(name))
      try {
        const { way } = await (assigned === undefined ? editor.replace(values) : editor.assign(values))
        this.results.set(name, way)
      } finally {
        await editor.close()
      }
    } catch (error) {
      this.results.set(name, asPersistError(error, name, 'restored'))
    }
    this.#options.onDone?.(this.results.size)
  }

  async #writeOn(link: PoolsLink, wanted: readonly Replacement[]): Promise<void> {
    const written: string[] = []
    const write = async ({ name, bytes, seen }: Replacement) => {
      if (this.#options.signal?.aborted) return
      try {
        if (this.#isCareful && link.held(name).bytes === null) await link.lookAgain([name])
        assertSeen(link, name, seen)
        await link.write(name, bytes)
        written.push(name)
      } catch (error) {
        if (error instanceof ConnectionLost) {
          this.lost.set(name, link.errorOf(name, error, bytes.length))
          throw error
        }
        this.results.set(name, error as PersistError)
      }
      this.#options.onDone?.(this.results.size + written.length)
    }
    // So much fits the buffers of every connection: no broker has to queue what it sends us meanwhile, and so none drops
    // what tells of somebody else. The connection keeps to the broker's Receive Maximum (MQTT 5, 3.2.2.3.3).
    await atOnce(wanted, this.#isCareful ? 0 : SURE_BYTES, ({ name, bytes }) => name.length + bytes.length, write)
    if (written.length > 0) await link.readAgain(written)
    for (const name of written) this.results.set(name, link.failureOf(name) ?? 'direct')
  }
}
