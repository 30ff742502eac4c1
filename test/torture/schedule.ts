import { type Random, randomFrom } from './random.ts'

/** A variable's new value, or null where it is removed. Every value is written once in a run: it tells who wrote it. */
export type Writes = Readonly<Record<string, string | null>>

export type EditorNumber = 1 | 2

/** What one of the four does. */
export type Operation =
  | { kind: 'set'; values: Writes; save: boolean }
  | { kind: 'patch'; editor: EditorNumber; values: Writes }
  | { kind: 'increment'; editor: EditorNumber; name: string; by: number }
  /** Reads the whole pool, thinks, and writes it with its own change. */
  | { kind: 'raw-merge'; values: Writes; thinkMs: number }
  /** Writes a pool that it made up: whatever is not in it is gone. */
  | { kind: 'raw-fixed'; values: Writes }
  | { kind: 'raw-delete' }
  | { kind: 'raw-garbage'; payload: string }

export const LINKS = ['owner', 'editor1', 'editor2', 'raw'] as const
export type Link = (typeof LINKS)[number]

export const LINK_FAULTS = ['cut', 'half-open', 'delay', 'throttle', 'freeze', 'duplicate'] as const
export const KILLS = ['kill-broker', 'kill-owner', 'kill-both'] as const
export type LinkFaultKind = (typeof LINK_FAULTS)[number]
export type KillKind = (typeof KILLS)[number]

export type Fault =
  /** `amount` is the delay in ms, the bytes a second, or, where a link is half open, the direction: 0 up, 1 down. */
  | { kind: LinkFaultKind; link: Link; forMs: number; amount: number }
  /** `node` is which of several is killed; `forMs` is how long it stays away. */
  | { kind: KillKind; forMs: number; node: number }

export interface Step {
  /** Since the beginning of the round. */
  readonly atMs: number
  readonly action: Operation | Fault
}

export interface ScheduleOptions {
  readonly seed: number
  readonly operations?: number
  readonly faults?: number
  readonly durationMs?: number
  /** Which kills there are. @default kill-broker, kill-owner */
  readonly kills?: readonly KillKind[]
}

const GARBAGE = ['', 'not JSON', '[1,2,3]', '"text"', '17', '{"torn":', '\u0000\u0001'].slice(1)

/** The steps of one round; the same for the same seed, round and options. */
export function scheduleOf(round: number, options: ScheduleOptions): Step[] {
  const { seed, operations = 100, faults = 2, durationMs = 1200, kills = ['kill-broker', 'kill-owner'] } = options
  // Neighbouring seeds must not be neighbouring rounds.
  const random = randomFrom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(round, 0x85ebca6b))
  const steps: Step[] = []
  for (let index = 0; index < operations; index++) {
    steps.push({ atMs: random.int(0, durationMs), action: operationOf(random, `${round}.${index}`, round) })
  }
  for (let index = 0; index < faults; index++) {
    steps.push({ atMs: random.int(0, durationMs), action: faultOf(random, kills) })
  }
  // A raw client writes the pool that it finds, and so hides what is lost with an owner and its broker.
  const counted = kills.includes('kill-both') ? steps.filter(({ action }) => !action.kind.startsWith('raw-')) : steps
  return counted.sort((one, other) => one.atMs - other.atMs)
}

function operationOf(random: Random, token: string, round: number): Operation {
  const roll = random.next()
  if (roll < 0.45) {
    return { kind: 'set', values: writesOf(random, 'o', token, random.int(1, 3)), save: random.chance(0.85) }
  }
  const editor = random.pick([1, 2] as const)
  if (roll < 0.7) return { kind: 'patch', editor, values: writesOf(random, `e${editor}`, token, random.int(1, 2)) }
  if (roll < 0.85) {
    // One that only this editor adds to, for the whole run, and one for both in this round.
    const name = random.chance(0.5) ? `count${editor}` : `sum${round}`
    return { kind: 'increment', editor, name, by: random.int(1, 9) }
  }
  if (roll < 0.99) return { kind: 'raw-merge', values: writesOf(random, 'r', token, 1), thinkMs: random.int(0, 40) }
  if (roll < 0.993) return { kind: 'raw-fixed', values: writesOf(random, 'r', token, 2) }
  if (roll < 0.997) return { kind: 'raw-delete' }
  return { kind: 'raw-garbage', payload: random.pick(GARBAGE) }
}

/** Mostly an actor's own variables, at times those that all of them write. */
function writesOf(random: Random, actor: string, token: string, count: number): Writes {
  const writes: Record<string, string | null> = {}
  for (let index = 0; index < count; index++) {
    const name = random.chance(0.25) ? `shared${random.int(0, 3)}` : `${actor}_${random.int(0, 7)}`
    writes[name] = random.chance(0.06) ? null : `${actor}.${token}`
  }
  return writes
}

function faultOf(random: Random, kills: readonly KillKind[]): Fault {
  if (random.chance(0.35)) return { kind: random.pick(kills), forMs: random.int(50, 700), node: random.int(0, 2) }
  const kind = random.pick(LINK_FAULTS)
  const link = random.pick(LINKS)
  const amounts = { cut: 0, 'half-open': random.int(0, 1), delay: random.int(20, 300), freeze: 0, duplicate: 0 }
  const amount = kind === 'throttle' ? random.int(2000, 30_000) : amounts[kind]
  return { kind, link, forMs: random.int(100, 1500), amount }
}
