import { encodeText, sameBytes } from '../format/bytes.ts'
import { TAKE_OVER_ADVICE } from '../format/device.ts'
import { decodePayload, joinPayload, type Payload, withoutRevision } from '../format/payload.ts'
import { type EditOptions, type Editor, type EditWay, openEditor } from '../index.ts'
import { poolChanges } from '../pools/pool-changes.ts'
import type { Pools } from '../pools/pools.ts'
import { copyTo, restorePool } from '../pools/restore-pools.ts'
import { codeOf } from '../runtime/errors.ts'
import { badRequest, RequestError } from './failure.ts'
import type { LivePools } from './live-pools.ts'
import type { Copy, Done, Edit, Force, Replace, VariableText } from './protocol.ts'

/** With these codes an owner has certainly removed nothing. */
const REFUSED: ReadonlySet<string | undefined> = new Set([
  'ERR_PERSIST_SCHEMA',
  'ERR_PERSIST_RESERVED_NAME',
  'ERR_PERSIST_NOT_STORABLE',
])

/** Changes pools for pages: by asking their owners, or directly where no program owns them. */
export class PoolEdits {
  readonly #pools: Pools
  readonly #livePools: LivePools

  constructor(pools: Pools, livePools: LivePools) {
    this.#pools = pools
    this.#livePools = livePools
  }

  /** @throws {RequestError | PersistError} CONFLICT: a variable is no longer as in `seen` */
  async edit(name: string, { set, seen = [], force = false }: Edit): Promise<Done> {
    this.assertListens(name, force)
    this.#assertSeen(name, seen)
    const values = new Map<string, string>()
    const removed = new Map<string, string>()
    for (const [variable, text] of set) {
      if (text !== null) assertJson(text)
      if (text === null) removed.set(variable, 'null')
      else values.set(variable, text)
    }
    const before = removed.size > 0 ? this.#textsOf(name) : new Map<string, string | null>()
    return this.#edited(name, async (editor) => {
      let way: EditWay = 'direct'
      // New values before removals: if the second call fails, nothing is lost.
      if (values.size > 0) way = (await editor.assign(joinPayload(values), { force })).way
      if (removed.size === 0) return { way }
      try {
        return { way: (await editor.patch(joinPayload(removed), { force })).way }
      } catch (error) {
        if (REFUSED.has(codeOf(error))) await undone(editor, values.keys(), before, { force })
        throw error
      }
    })
  }

  async replace(name: string, { text, force = false }: Replace): Promise<Done> {
    this.assertListens(name, force)
    const bytes = encodeText(text)
    decodePayload(bytes, `'${name}'`)
    return { way: await restorePool(this.#pools, name, bytes) }
  }

  async zero(name: string, { force = false }: Force): Promise<Done> {
    this.#assertKnown(name)
    this.assertListens(name, force)
    // An editor cannot change what is no pool; it can only be replaced.
    const isPool = this.#livePools.content(name)?.variables !== null
    if (!isPool && this.#livePools.ownerOf(name) !== 'program') {
      return { way: await restorePool(this.#pools, name, encodeText('{}')) }
    }
    return this.#edited(name, (editor, options) => editor.replace({}, options), { force })
  }

  async delete(name: string, { force = false }: Force): Promise<Done> {
    this.#assertKnown(name)
    this.#assertNotOwned(name)
    this.assertListens(name, force)
    await this.#pools.delete(name)
    return { way: 'direct' }
  }

  /** Copies or moves a pool; a move deletes the original only after the copy was read back. */
  async copy(name: string, { to, isMove = false, force = false }: Copy): Promise<Done> {
    this.#pools.topics.assertNew(to)
    if (to === name) throw badRequest('A pool cannot be copied to its own name.')
    const bytes = this.#assertKnown(name)
    if (isMove) {
      this.#assertNotOwned(name)
      this.assertListens(name, force)
    }
    this.assertListens(to, force)
    if (this.#livePools.bytesOf(to) !== null && !force) {
      throw new RequestError(409, 'EXISTS', `There is a pool ${to} already. Nothing was changed.`)
    }
    return this.#pools.linked(async (link) => {
      const way = await copyTo(link, to, bytes)
      if (!isMove) return { way }
      await link.read([name])
      const now = link.held(name)
      if (!sameBytes(now.bytes && withoutRevision(now.bytes), bytes) || now.owner === 'program') {
        const text = `${name} has changed meanwhile. It is copied to ${to} as it was before, and not removed.`
        throw new RequestError(409, 'CONFLICT', text)
      }
      await link.remove(name)
      return { way }
    })
  }

  /** @throws {RequestError} DEVICE: a device owns the pool, and would write over any change */
  assertListens(name: string, force: boolean): void {
    if (this.#livePools.ownerOf(name) !== 'device' || force) return
    const text =
      `${name} is a device that is online and does not listen: it writes over any change with its next save. ` +
      `Nothing was changed. Switch it off first; or write all the same, and ${TAKE_OVER_ADVICE}.`
    throw new RequestError(409, 'DEVICE', text)
  }

  #assertNotOwned(name: string): void {
    if (this.#livePools.ownerOf(name) !== 'program') return
    const text = `A program owns ${name} and would write it again at once. End it first. Nothing was changed.`
    throw new RequestError(409, 'OWNED', text)
  }

  #assertKnown(name: string): Uint8Array {
    const bytes = this.#livePools.bytesOf(name)
    if (bytes === null) throw new RequestError(404, 'NOT_FOUND', `There is no pool ${name}.`)
    return bytes
  }

  #textsOf(name: string): Map<string, string | null> {
    return new Map(this.#livePools.content(name)?.variables ?? [])
  }

  #assertSeen(name: string, seen: readonly VariableText[]): void {
    const now = this.#textsOf(name)
    const current = seen.map(([variable]): VariableText => [variable, now.get(variable) ?? null])
    // By value: an owner may write 2.50 as 2.5.
    if (poolChanges(payloadOf(seen), payloadOf(current)).length === 0) return
    const text = `Somebody else has changed ${name} meanwhile. Nothing was changed.`
    throw new RequestError(409, 'CONFLICT', text, { current })
  }

  async #edited(
    name: string,
    change: (editor: Editor, options: EditOptions) => Promise<Done>,
    options: EditOptions = {},
  ): Promise<Done> {
    const editor = await openEditor(this.#pools.optionsOf(name))
    try {
      const { way } = await change(editor, options)
      return { way }
    } finally {
      await editor.close()
    }
  }
}

/** Makes variables again what they were. */
async function undone(
  editor: Editor,
  names: Iterable<string>,
  before: ReadonlyMap<string, string | null>,
  options: EditOptions,
): Promise<void> {
  const known = new Map<string, string>()
  const made = new Map<string, string>()
  for (const name of names) {
    const text = before.get(name) ?? null
    if (text === null) made.set(name, 'null')
    else known.set(name, text)
  }
  if (known.size > 0) await editor.assign(joinPayload(known), options)
  if (made.size > 0) await editor.patch(joinPayload(made), options)
}

/** @throws {RequestError} BAD_REQUEST: a text is no JSON */
function payloadOf(variables: readonly VariableText[]): Payload {
  const there = variables.flatMap(([name, text]) => (text === null ? [] : [[name, text] as const]))
  for (const [, text] of there) assertJson(text)
  return decodePayload(encodeText(joinPayload(there)), 'what was seen')
}

function assertJson(text: string): void {
  try {
    JSON.parse(text)
  } catch (cause) {
    throw badRequest('A value is no JSON.', cause)
  }
}
