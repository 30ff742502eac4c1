import { describe, expect, test } from 'vitest'
import type { FencePlace } from '../../../src/backends/mqtt/fence.ts'
import { type Attempt, nextAttempt } from '../../../src/backends/mqtt/next-attempt.ts'
import type { ConnectionFailure } from '../../../src/mqtt/failure.ts'
import { parseEndpoint } from '../../../src/mqtt/transport/endpoint.ts'

const address = { protocolVersion: 'auto', clientId: 'own' } as const

/** An owner's first attempt. */
const first: Attempt = {
  protocolVersion: 5,
  isPipelined: true,
  clientId: 'of all owners',
  usesSideTopics: true,
  hasWill: true,
  fencePlace: 'private',
  isRepeated: false,
  server: { endpoint: parseEndpoint('mqtt://broker'), username: undefined, password: undefined },
}
const own: Attempt = { ...first, clientId: 'own' }
/** One that was made once more. */
const again: Attempt = { ...own, isPipelined: false, isRepeated: true }
/** One without a will, of an owner or an editor. */
const noWill: Attempt = { ...again, hasWill: false }
const bare: Attempt = { ...noWill, usesSideTopics: false }

const closed: ConnectionFailure = { kind: 'closed' }
const reset: ConnectionFailure = { kind: 'network', error: new Error('no'), errorCode: 'ECONNRESET' }
const takenOver: ConnectionFailure = { kind: 'disconnect', code: 0x8e }
const noQos: ConnectionFailure = { kind: 'disconnect', code: 0x9b }
const unreachable: ConnectionFailure = { kind: 'network', error: new Error('no'), errorCode: 'ECONNREFUSED' }
const silent: ConnectionFailure = { kind: 'silent' }
const refused = (code: number): ConnectionFailure => ({ kind: 'refused', code })

interface Row {
  readonly name: string
  readonly failure: ConnectionFailure
  readonly from: Attempt
  /** Where the fence was at last; undefined: no CONNACK came. */
  readonly reached: FencePlace | undefined
  /** What the next attempt has of its own, or what ends it. */
  readonly next: Partial<Attempt> | 'unreadable' | undefined
}

const BEFORE_CONNACK: readonly Row[] = [
  { name: 'closed: MQTT 3.1.1', failure: closed, from: first, reached: undefined, next: { protocolVersion: 4 } },
  {
    name: 'refused as an unknown protocol: MQTT 3.1.1',
    failure: refused(0x84),
    from: first,
    reached: undefined,
    next: { protocolVersion: 4 },
  },
  {
    name: 'refused by code 1: MQTT 3.1.1',
    failure: refused(0x01),
    from: bare,
    reached: undefined,
    next: { protocolVersion: 4 },
  },
  {
    name: 'closed at MQTT 3.1.1: step by step, from MQTT 5 on',
    failure: closed,
    from: { ...first, protocolVersion: 4 },
    reached: undefined,
    next: { protocolVersion: 5, isPipelined: false },
  },
  {
    name: 'closed at MQTT 3.1.1, step by step: its own client id',
    failure: closed,
    from: { ...first, protocolVersion: 4, isPipelined: false },
    reached: undefined,
    next: { clientId: 'own' },
  },
  { name: 'reset: MQTT 3.1.1', failure: reset, from: first, reached: undefined, next: { protocolVersion: 4 } },
  {
    name: 'closed at MQTT 3.1.1, step by step, with its own client id, perhaps for its will: without',
    failure: closed,
    from: { ...again, protocolVersion: 4 },
    reached: undefined,
    next: { hasWill: false },
  },
  {
    name: 'closed at MQTT 3.1.1, step by step, without a will: over',
    failure: closed,
    from: { ...noWill, protocolVersion: 4 },
    reached: undefined,
    next: undefined,
  },
  {
    name: 'not authorized (MQTT 5), perhaps for its will: without',
    failure: refused(0x87),
    from: first,
    reached: undefined,
    next: { hasWill: false },
  },
  {
    name: 'not authorized (3.1.1), perhaps for its will: without',
    failure: refused(0x05),
    from: { ...own, protocolVersion: 4, isRepeated: true },
    reached: undefined,
    next: { hasWill: false },
  },
  {
    name: 'not authorized without a will: over',
    failure: refused(0x87),
    from: noWill,
    reached: undefined,
    next: undefined,
  },
  {
    name: 'refused for the QoS of its will: without',
    failure: refused(0x9b),
    from: first,
    reached: undefined,
    next: { hasWill: false },
  },
  {
    name: 'refused since its will is to be retained: without',
    failure: refused(0x9a),
    from: first,
    reached: undefined,
    next: { hasWill: false },
  },
  { name: 'a wrong password: over', failure: refused(0x86), from: first, reached: undefined, next: undefined },
  { name: 'nobody listens: over', failure: unreachable, from: first, reached: undefined, next: undefined },
]

const AFTER_CONNACK: readonly Row[] = [
  {
    name: 'closed, with the client id of all owners: its own',
    failure: closed,
    from: first,
    reached: 'private',
    next: { clientId: 'own' },
  },
  {
    name: 'closed for the first time: the same once more, step by step',
    failure: closed,
    from: own,
    reached: 'private',
    next: { isPipelined: false, isRepeated: true },
  },
  {
    name: 'ended for a QoS that CONNACK did not allow: step by step',
    failure: noQos,
    from: first,
    reached: 'private',
    next: { isPipelined: false, isRepeated: true },
  },
  {
    name: 'closed once more: without side topics',
    failure: reset,
    from: again,
    reached: 'pool',
    next: { usesSideTopics: false, hasWill: false },
  },
  {
    name: 'closed without side topics: a fence on the topic of the pool',
    failure: takenOver,
    from: bare,
    reached: 'private',
    next: { fencePlace: 'pool' },
  },
  {
    name: 'closed when the fence had gone on to the topic of the pool: no fence',
    failure: closed,
    from: bare,
    reached: 'pool',
    next: { fencePlace: 'none' },
  },
  {
    name: 'closed with a fence on the topic of the pool: no fence',
    failure: closed,
    from: { ...bare, fencePlace: 'pool' },
    reached: 'pool',
    next: { fencePlace: 'none' },
  },
  {
    name: 'closed without any fence: the pool is unreadable',
    failure: closed,
    from: { ...bare, fencePlace: 'none' },
    reached: 'none',
    next: 'unreadable',
  },
  {
    name: 'closed, which says nothing about MQTT 5 any more: no MQTT 3.1.1',
    failure: closed,
    from: { ...bare, fencePlace: 'pool' },
    reached: 'none',
    next: 'unreadable',
  },
  { name: 'no answer any more: over', failure: silent, from: first, reached: 'private', next: undefined },
]

describe.each([
  ['before CONNACK', BEFORE_CONNACK],
  ['after CONNACK', AFTER_CONNACK],
])('an attempt that fails %s', (_, rows) => {
  test.each(rows)('$name', ({ failure, from, reached, next }) => {
    const expected = typeof next === 'object' ? { ...from, ...next } : next
    expect(nextAttempt(failure, from, reached, address)).toEqual(expected)
  })
})

test('where an option names the version of MQTT, no other one is tried', () => {
  for (const protocolVersion of [4, 5] as const) {
    const from = { ...bare, protocolVersion }
    expect(nextAttempt(refused(0x84), from, undefined, { ...address, protocolVersion })).toBeUndefined()
  }
})

test('whatever fails, there are ten attempts at most', () => {
  const refusals = [0x01, 0x05, 0x84, 0x86, 0x87, 0x9a, 0x9b].map(refused)
  const failures = [closed, reset, takenOver, noQos, unreachable, silent, ...refusals]
  const places = ['private', 'pool', 'none'] as const
  const known = new Map<string, number>()
  /** How many attempts there are from this one on, at most. */
  const most = (from: Attempt): number => {
    const key = JSON.stringify(from)
    // A fence goes on from where its attempt begins, never back.
    const reached = [undefined, ...places.slice(places.indexOf(from.fencePlace))]
    const after = () =>
      failures.flatMap((failure) => reached.map((place) => nextAttempt(failure, from, place, address)))
    const count =
      known.get(key) ?? 1 + Math.max(0, ...after().map((next) => (typeof next === 'object' ? most(next) : 0)))
    known.set(key, count)
    return count
  }
  expect([first, own, bare, { ...bare, protocolVersion: 4 as const }].map(most)).toEqual([10, 9, 4, 3])
})
