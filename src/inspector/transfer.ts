import { sameBytes } from '../format/bytes.ts'
import { payloadOf } from '../format/payload.ts'
import { type Backup, linesOf, readBackup, type SavedPool } from '../pools/backup.ts'
import type { Pools } from '../pools/pools.ts'
import { restorePools } from '../pools/restore-pools.ts'
import { badRequest, failureOf, RequestError } from './failure.ts'
import type { LivePools } from './live-pools.ts'
import type { PoolEdits } from './pool-edits.ts'
import type { ImportedPool, ImportPlan, Restore, Restored } from './protocol.ts'

/** Makes, compares and restores backups for pages; docs/backup.md describes the format. */
export class Transfer {
  readonly #pools: Pools
  readonly #livePools: LivePools
  readonly #edits: PoolEdits

  constructor(pools: Pools, livePools: LivePools, edits: PoolEdits) {
    this.#pools = pools
    this.#livePools = livePools
    this.#edits = edits
  }

  /** The lines of a backup of these pools; no names: of all. */
  backup(names: readonly string[]): Generator<string> {
    const { topics, place } = this.#pools
    const wanted = names.length > 0 ? [...names] : this.#livePools.names
    const pools = wanted.sort().map((name): SavedPool => {
      const bytes = this.#livePools.bytesOf(name)
      if (bytes === null) throw new RequestError(404, 'NOT_FOUND', `There is no pool ${name}.`)
      return { name, topic: topics.of(name), bytes, owner: this.#livePools.ownerOf(name) }
    })
    const isComplete = this.#livePools.isComplete || names.length > 0
    return linesOf({ created: new Date().toISOString(), broker: place, isComplete, pools })
  }

  compare(text: string): ImportPlan {
    const { created, broker, isComplete, pools } = readBackup(text, 'This file')
    return { created, broker, isComplete, pools: pools.map((pool) => this.#compared(pool)) }
  }

  #compared({ name, bytes }: SavedPool): ImportedPool {
    const about = { name, owner: this.#livePools.ownerOf(name) }
    const held = this.#livePools.bytesOf(name)
    if (sameBytes(held, bytes)) return { ...about, kind: 'same', changes: [] }
    const [now, then] = [payloadOf(held), payloadOf(bytes)]
    if (now === undefined || then === undefined) return { ...about, kind: 'invalid', changes: [] }
    const names = [...new Set([...now.texts.keys(), ...then.texts.keys()])]
    const changes = names
      .map((variable) => [variable, now.texts.get(variable) ?? null, then.texts.get(variable) ?? null] as const)
      .filter(([, from, to]) => from !== to)
    return { ...about, kind: held === null ? 'new' : 'changed', changes }
  }

  /** @param signal aborted when the page has gone: pools that are not begun by then are not restored */
  async restore({ backup: text, names, force = false }: Restore, signal: AbortSignal): Promise<Restored[]> {
    const backup = readBackup(text, 'This file')
    const results: Restored[] = []
    const wanted: SavedPool[] = []
    for (const pool of names.map((name) => poolIn(backup, name))) {
      try {
        this.#edits.assertListens(pool.name, force)
        wanted.push(pool)
      } catch (error) {
        results.push({ name: pool.name, ...failureOf(error).failure })
      }
    }
    for (const [name, result] of await restorePools(this.#pools, wanted, { signal })) {
      results.push({ name, ...(result instanceof Error ? failureOf(result).failure : { way: result }) })
    }
    return results
  }
}

function poolIn({ pools }: Backup, name: string): SavedPool {
  const pool = pools.find((one) => one.name === name)
  if (pool === undefined) throw badRequest(`This file has no pool ${name}.`)
  return pool
}
