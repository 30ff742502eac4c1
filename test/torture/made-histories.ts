import { violationsOf } from './checker.ts'
import type { HistoryEvent, NewEvent } from './history.ts'

/** A history of these events, each 10 ms after the one before, with an owner that is up. */
export function historyOf(...events: NewEvent[]): HistoryEvent[] {
  const all: NewEvent[] = [{ type: 'owner-up', session: 1 }, ...events]
  return all.map((event, index) => ({ at: 10 * index, ...event }) as HistoryEvent)
}

export const saved = (id: number, values: Record<string, string | null>, session = 1): NewEvent[] => [
  { type: 'set', id, session, values, save: true },
  { type: 'ok', id },
]
export const patched = (
  id: number,
  values: Record<string, string | null>,
  way: 'owner' | 'direct' = 'owner',
): NewEvent[] => [
  { type: 'patch', id, editor: 1, values },
  { type: 'ok', id, way },
]
export const raised = (id: number, by: number, way: 'owner' | 'direct' = 'owner'): NewEvent[] => [
  { type: 'increment', id, editor: 1, name: 'sum1', by },
  { type: 'ok', id, way },
]
export const rawWrote = (
  id: number,
  payload: Record<string, unknown> | null,
  values = {},
  isFixed = false,
): NewEvent[] => [
  { type: 'raw', id, values, isFixed },
  { type: 'raw-sent', id, payload },
  { type: 'ok', id },
]
export const killed: NewEvent & { type: 'owner-killed' } = { type: 'owner-killed', session: 1, hasJournal: false }
export const back: NewEvent = { type: 'owner-up', session: 2 }
export const link = (isBroken: boolean): NewEvent => ({ type: 'owner-link', isBroken })
/** The quiet moment, where the owner has what is retained. */
export const quiet = (pool: object | string | null, owner: object | string | null = pool, session = 1): NewEvent => {
  const textOf = (what: object | string | null) => (typeof what === 'object' && what ? JSON.stringify(what) : what)
  return { type: 'quiet', session, retained: textOf(pool), owner: textOf(owner) }
}

export const rulesOf = (...events: NewEvent[]): string[] =>
  violationsOf(historyOf(...events)).map(({ kind, rule }) => `${kind}: ${rule}`)
export const MISSING = 'lost: a confirmed value is missing'
