import { setImmediate as tick } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { Kept } from '../helpers/kept.ts'
import { ScriptedBroker, type ScriptedClient } from '../helpers/scripted-world.ts'
import { randomFrom } from '../torture/random.ts'

// An owner, editors that see no owner, and a plain client, on a virtual clock: whatever order the messages have, what was
// said to be kept is there in the end, nothing comes back that was gone, and there is an end.

const RUNS = Number(process.env.SEEDS ?? 300)
const STEPS = 60
/** So often everything that is on its way may arrive until nothing is. */
const MOST_ROUNDS = 60
/** For each change of somebody, and each time that a link is back; one more of each editor, that it has seen what it wrote over. */
const MOST_WRITES = 3
/** The steps of which every order is tried; the rest comes in one order. */
const BOUND = 5

afterEach(() => void vi.restoreAllMocks())

/** All that is on its way arrives, until nothing is; tells how many rounds that took. */
async function rest(links: readonly ScriptedClient[]): Promise<number> {
  let rounds = 0
  for (let resting = 0; resting < 3 && rounds < MOST_ROUNDS; rounds++) {
    const isResting = links.every((link) => link.arrivals.length === 0 && !link.isSending)
    resting = isResting ? resting + 1 : 0
    for (const link of links) await link.settle()
    vi.advanceTimersByTime(2000)
    await tick()
  }
  return rounds
}

interface World {
  readonly seed: number
  /** Is there an owner at all? */
  readonly isOwned?: boolean
  /** Does the owner lose its link? The plain client then writes what it has just read: nobody could know of the rest. */
  readonly isOwnerAway: boolean
  readonly editors: number
  readonly hasPlainClient: boolean
}

async function run({ seed, isOwned = true, isOwnerAway, editors, hasPlainClient }: World) {
  const random = randomFrom(seed)
  // How long a guest waits for its turn.
  vi.spyOn(Math, 'random').mockImplementation(random.next)
  const broker = new ScriptedBroker('{"start":1}')
  const owner = isOwned ? await broker.owner() : undefined
  const guests = await Promise.all(Array.from({ length: editors }, () => broker.editor()))
  const links: ScriptedClient[] = [...(owner ? [owner.link] : []), ...guests.map(({ link }) => link)]
  const kept = new Kept()
  const isEditing = new Set<number>()
  let count = 0
  let read: string | null = null
  let isLinked = true
  let returns = 0
  const actions: (() => void | Promise<void>)[] = [
    () => {
      if (owner === undefined) return
      const value = ++count
      owner.pt.o = value
      const shared = `shared${random.int(0, 1)}`
      kept.changes(shared, `o${count}`, owner.pt[shared])
      owner.pt[shared] = `o${count}`
      const done = owner.pt.save()
      kept.attempt('o', value, done)
      kept.whenDone(`o${count}`, done)
    },
    () => {
      const index = random.int(0, editors - 1)
      const value = ++count
      // An editor asks an owner that is there.
      if (isEditing.has(index) || (isOwnerAway && isLinked)) return
      isEditing.add(index)
      const shared = `shared${random.int(0, 1)}`
      const also = random.chance(0.3) ? { [shared]: `g${index}.${count}` } : {}
      const seen = broker.pool[shared]
      const done = (guests[index] as (typeof guests)[0]).editor.patch({ [`g${index}`]: value, ...also })
      kept.attempt(`g${index}`, value, done)
      for (const other of Object.values(also)) {
        kept.changes(shared, other, seen)
        kept.whenDone(other, done)
      }
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
      if (!isOwnerAway) kept.attempt('p', value, Promise.resolve())
    },
    async () => {
      if (!isOwnerAway || owner === undefined) return
      if (isLinked) owner.link.cut()
      else await owner.link.back()
      isLinked = !isLinked
      returns += 1
    },
  ]
  const deliver = async () => {
    const link = links[random.int(0, links.length - 1)] as ScriptedClient
    if (link === owner?.link && !isLinked) return
    if (link.isSending && random.chance(0.5)) await link.up()
    else if (link.arrivals.length > 0) await link.down()
  }
  for (let step = 0; step < STEPS; step++) {
    if (random.chance(0.35)) await actions[random.int(0, actions.length - 1)]?.()
    else await deliver()
    vi.advanceTimersByTime(random.int(0, 20))
    await tick()
  }
  if (!isLinked) await owner?.link.back()
  const rounds = await rest(links)
  return { broker, owner, kept, rounds, editors, causes: kept.attempts + returns }
}

type Outcome = Pick<Awaited<ReturnType<typeof run>>, 'broker' | 'owner' | 'kept' | 'rounds' | 'editors' | 'causes'>

/** Throws where there is no end; returns what was lost, or has come back. */
function faultsIn({ broker, owner, kept, rounds, editors, causes }: Outcome, which: string): string[] {
  expect(rounds, `${which} comes to rest`).toBeLessThan(MOST_ROUNDS)
  if (owner !== undefined) expect(broker.pool, `${which}: the owner has what is retained`).toEqual({ ...owner.pt })
  expect(broker.writes, `${which}: writes for ${causes} changes`).toBeLessThanOrEqual(MOST_WRITES * causes + editors)
  return kept.faultsOf(broker.pool)
}

/** The seeds that may lose something: see docs/guarantees.md. They are listed so that nobody adds one without noticing. */
const worlds: [string, Omit<World, 'seed'>, losing: number[]][] = [
  [
    'an owner, an editor, and a plain client that writes old pools',
    { isOwnerAway: false, editors: 1, hasPlainClient: true },
    [44, 83, 95, 101, 277],
  ],
  ['an owner, and two editors', { isOwnerAway: false, editors: 2, hasPlainClient: false }, []],
  [
    'an owner that loses its link, an editor and a plain client',
    { isOwnerAway: true, editors: 1, hasPlainClient: true },
    [43, 110],
  ],
  ['nobody, and three editors', { isOwned: false, isOwnerAway: false, editors: 3, hasPlainClient: false }, [246]],
]

test.each(worlds)(
  'whatever the order of the messages, what is kept is there in the end: %s',
  async (_what, world, losing) => {
    const lost: number[] = []
    for (let seed = 1; seed <= RUNS; seed++) {
      const faults = faultsIn(await run({ seed, ...world }), `seed ${seed}`)
      if (faults.length > 0) lost.push(seed)
      vi.useRealTimers()
    }
    expect(lost.filter((seed) => !losing.includes(seed))).toEqual([])
  },
  120_000,
)

/** Something that may happen next. */
type Step = () => unknown

/** One after the other, takes the step that a list of numbers names; tells how many there were to choose from. */
async function inOrder(choices: readonly number[], steps: () => Step[]): Promise<number[]> {
  const widths: number[] = []
  for (let step = 0; step < BOUND; step++) {
    const possible = steps()
    if (possible.length === 0) break
    widths.push(possible.length)
    await possible[choices[step] ?? 0]?.()
    await tick()
  }
  return widths
}

/** The list after this one; undefined: it was the last. */
function nextChoices(choices: readonly number[], widths: readonly number[]): number[] | undefined {
  const all = widths.map((_, step) => choices[step] ?? 0)
  const last = all.findLastIndex((choice, step) => choice + 1 < (widths[step] ?? 0))
  return last < 0 ? undefined : [...all.slice(0, last), (all[last] ?? 0) + 1]
}

/** All writers change something at once; the first messages come in the order of these choices. */
async function runInOrder(choices: readonly number[], hasPlainClient: boolean) {
  const broker = new ScriptedBroker('{"a":1,"b":1,"shared":"old"}')
  const owner = await broker.owner()
  let old = ''
  for (const a of [2, 3]) {
    old = broker.retained.text ?? ''
    owner.pt.a = a
    void owner.pt.save()
    await owner.link.settle()
  }
  const guests = [await broker.editor(), ...(hasPlainClient ? [] : [await broker.editor()])]
  const links = [owner.link, ...guests.map(({ link }) => link)]
  const kept = new Kept()
  const actions: Step[] = [
    () => {
      kept.changes('shared', 'o', owner.pt.shared)
      Object.assign(owner.pt, { shared: 'o', o: 1 })
      delete owner.pt.b
      const saved = owner.pt.save()
      kept.whenDone('o', saved)
      kept.attempt('o', 1, saved)
      kept.attempt('b', undefined, saved)
    },
    ...guests.map(({ editor }, index) => () => {
      kept.changes('shared', `g${index}`, broker.pool.shared)
      const done = editor.patch({ [`g${index}`]: 1, shared: `g${index}` })
      kept.whenDone(`g${index}`, done)
      kept.attempt(`g${index}`, 1, done)
    }),
  ]
  if (hasPlainClient)
    actions.push(() => {
      broker.publish(JSON.stringify({ ...JSON.parse(old), p: 1 }))
      kept.attempt('p', 1, Promise.resolve())
    })
  const widths = await inOrder(choices, () => [
    ...actions.map((action, index) => () => {
      actions.splice(index, 1)
      return action()
    }),
    ...links.filter((link) => link.isSending).map((link) => () => link.up()),
    ...links.filter((link) => link.arrivals.length > 0).map((link) => () => link.down()),
  ])
  for (const action of actions) await action()
  const rounds = await rest(links)
  return { broker, owner, kept, rounds, editors: guests.length, causes: kept.attempts, widths }
}

test.each([
  ['two editors', false],
  ['an editor, and a plain client that has read an old pool', true],
])(
  'in every order of the first steps, what is kept is there in the end: an owner, %s',
  async (_what, hasPlainClient) => {
    let orders = 0
    for (let choices: number[] | undefined = []; choices !== undefined; orders++) {
      const { widths, ...outcome } = await runInOrder(choices, hasPlainClient)
      const order = `order ${choices}`
      expect(faultsIn(outcome, order), order).toEqual([])
      choices = nextChoices(choices, widths)
      vi.useRealTimers()
    }
    expect(orders).toBeGreaterThan(200)
  },
  120_000,
)
