import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/format/json.ts'
import { decodePayload } from '../../src/format/payload.ts'
import type { PersistError } from '../../src/runtime/errors.ts'
import type { LooseStore } from '../../src/store/members.ts'
import { asWritten, bytesOf } from '../helpers/bytes.ts'
import { HeldBackend, type PendingWrite } from '../helpers/held-backend.ts'

const OURS = ['a', 'b', 'c']
const FIRST = asWritten('{"$rev":"test.1<0","a":0}')
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('edit'), name: fc.constantFrom(...OURS), value: fc.nat(2) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('save', 'land') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('dirty', 'arrive late', 'read again') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('edit elsewhere', 'supersede', 'overwrite'),
      stale: fc.nat(3),
      isStore: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('time out'), landed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('link'), landed: fc.boolean(), lost: fc.nat(3) }) },
)
type Step = {
  do: string
  name?: string
  value?: number
  landed?: boolean
  lost?: number
  stale?: number
  isStore?: boolean
}

/**
 * A store, its backend, and somebody else, who changes a variable that the store does not, and writes whole pools: also
 * on top of one that is not the last, or that the store does not know to be there.
 */
class World {
  readonly backend = new HeldBackend(FIRST, { auto: false })
  /** All that was ever held, as far as the store has seen it: a broker that was killed may come back with any of it. */
  readonly landed: string[] = [FIRST]
  /** Our variables after every edit. */
  readonly states: string[] = []
  readonly replayed: JsonObject = { a: 0 }
  theirs = 0
  handled = 0
  /** Writes that the store had to take for lost, and that may still arrive. */
  readonly strays: string[] = []
  readonly saves: Promise<void>[] = []
  /** Promises that were not kept. */
  readonly broken: string[] = []
  isLinked = true
  pt!: LooseStore

  async open(): Promise<void> {
    this.pt = await this.backend.openers.openStore({ name: 'any', saveOnExit: false })
    this.pt.$on('error', ({ code }) => expect(code).toBe('ERR_PERSIST_TIMEOUT'))
    this.pt.$on('change', ({ name, value }) => {
      if (value === undefined) delete this.replayed[name]
      else this.replayed[name] = value
    })
    this.note()
  }

  note(): void {
    this.states.push(own({ ...this.pt }))
  }

  get pending(): PendingWrite | undefined {
    return this.backend.writes[this.handled]
  }

  land(write: PendingWrite): void {
    this.handled += 1
    write.land()
    this.landed.push(write.payload)
  }

  /** The promise of a save keeps its word: the backend then holds the values of that time, or newer ones. */
  save(): void {
    const since = this.states.length - 1
    const check = () => {
      const kept = own(JSON.parse(this.backend.text as string))
      if (!this.states.slice(since).includes(kept)) this.broken.push(kept)
    }
    this.saves.push(
      this.pt.save().then(check, ({ code }: PersistError) => {
        if (code !== 'ERR_PERSIST_TIMEOUT') this.broken.push(code)
      }),
    )
  }

  /**
   * @param stale so many writes ago the pool was as they have it
   * @param isStore they say what they had seen; else they carry its revision along
   */
  editElsewhere({ stale = 0, isStore = false }: Pick<Step, 'stale' | 'isStore'> = {}): string {
    this.theirs += 1
    const seen = stale === 0 ? this.backend.payload : (this.landed.at(-1 - stale) ?? this.landed[0])
    const pool = { ...JSON.parse(seen as string), theirs: this.theirs }
    if (!isStore) return JSON.stringify(pool)
    const { name } = decodePayload(bytesOf(seen as string), 'any')
    return asWritten(JSON.stringify(Object.assign({ $rev: '' }, pool, { $rev: `theirs.${this.theirs}<${name}` })))
  }

  foreign(text: string): void {
    this.landed.push(text)
    this.backend.foreign(text)
  }

  fail(code: PersistError['code'], landed: boolean | undefined): void {
    const write = this.pending
    if (write === undefined) return
    this.handled += 1
    if (landed) {
      this.backend.payload = write.payload
      this.landed.push(write.payload)
    } else {
      this.strays.push(write.payload)
    }
    write.fail(code)
  }

  /** The link breaks, or comes back: with what is held, or with what the broker had some writes ago. */
  link(landed: boolean | undefined, lostWrites = 0): void {
    this.isLinked = !this.isLinked
    if (this.isLinked) {
      if (lostWrites > 0) {
        this.landed.splice(Math.max(1, this.landed.length - lostWrites))
        this.backend.payload = this.landed.at(-1) as string
        // What others had written since is gone as well, where this store had not seen it.
        this.theirs = Math.max(Number(JSON.parse(this.backend.payload).theirs ?? 0), Number(this.pt.find('theirs', 0)))
      }
      this.landed.push(this.backend.payload as string)
      this.backend.online()
    } else {
      this.backend.offline()
      this.fail('ERR_PERSIST_CONNECT', landed)
    }
  }

  run({ do: what, name = '', value, landed, lost: lostWrites, ...how }: Step): void {
    const write = this.pending
    if (what === 'save') this.save()
    else if (what === 'dirty') this.pt.dirty()
    else if (what === 'link') this.link(landed, lostWrites)
    else if (what === 'time out' && this.isLinked) this.fail('ERR_PERSIST_TIMEOUT', landed)
    else if (what === 'land' && write !== undefined) this.land(write)
    else if (what === 'edit') {
      // Nothing stands for the variable being removed: values come back to what they were, and go again.
      this.pt[name] = value === 0 ? undefined : value
      this.note()
    } else if (what === 'supersede' && write !== undefined && this.isLinked) {
      this.foreign(this.editElsewhere(how))
      this.handled += 1
      write.land('superseded')
    } else if (what === 'overwrite' && write !== undefined && this.isLinked) {
      this.handled += 1
      this.landed.push(write.payload)
      this.backend.payload = write.payload
      write.land('overwritten')
      this.foreign(this.editElsewhere(how))
    } else if (what === 'edit elsewhere') {
      // Without a link, nobody can know that what was confirmed has been undone.
      if (this.isLinked) this.foreign(this.editElsewhere(how))
      else this.backend.payload = this.editElsewhere()
    } else if (what === 'arrive late' && this.strays.length > 0 && this.isLinked) {
      this.foreign(this.strays.shift() as string)
    } else if (what === 'read again' && this.isLinked) {
      // Of the last two messages the broker keeps the first one.
      this.backend.reread(this.landed.at(-2) ?? (this.landed[0] as string))
    }
  }

  async settle(): Promise<void> {
    if (!this.isLinked) this.link(false)
    const last = this.pt.save()
    for (let round = 0; round < 20; round++) {
      if (this.pending !== undefined) this.land(this.pending)
      await tick()
    }
    await last
    await Promise.all(this.saves)
  }
}

/** The variables of this program, in one order. */
function own(pool: JsonObject): string {
  return JSON.stringify(OURS.map((name) => pool[name] ?? null))
}

/** Lets all that is ready run. */
function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

it('whatever happens, a resolved save is kept, and nobody else is overwritten', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50, size: 'max' }), async (steps) => {
      const world = new World()
      await world.open()
      for (const one of steps) {
        world.run(one)
        await tick()
      }
      await world.settle()
      expect(world.broken).toEqual([])
      const { pt, backend } = world
      expect(JSON.parse(backend.text as string)).toEqual({ ...pt })
      expect(own({ ...pt })).toBe(world.states.at(-1))
      expect(pt.find('theirs', 0)).toBe(world.theirs)
      expect(world.replayed).toEqual({ ...pt })
      expect(pt.$status).toMatchObject({ state: 'ready', unsaved: false })
      const sent = backend.writes.length
      await pt.save()
      expect(backend.writes.length).toBe(sent)
      await pt.$close()
    }),
    { numRuns: 1000 },
  )
}, 60_000)
