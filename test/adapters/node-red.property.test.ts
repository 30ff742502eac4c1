import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type NodeRedContextStore, nodeRedContextStore } from '../../src/adapters/node-red.ts'
import { memoryBackend, memoryPlace } from '../../src/memory.ts'
import { memoryStore } from './node-red-modules.ts'

const SCOPES = ['global', 'f1', 'n1:f1', 'n2:f1']
const KEYS = ['a', 'b', 'a.b', 'a.b.c', 'a["b"]', 'list', 'list[0]', 'list[1]', 'list[0].x', 'b.list[0]', 'get']

const json = fc.constantFrom(null, true, 0, 1.5, '', 'text', [], {}, { b: { c: 1 }, list: [1] }, [{ x: 1 }, [2]])
const value = fc.oneof(json, fc.constant(undefined))
const scope = fc.constantFrom(...SCOPES)
const key = fc.constantFrom(...KEYS)
/** Where a scope has nothing yet, Node-RED does not look at the key that is asked for: those are sound. */
const keyToSet = fc.constantFrom(...KEYS, 'a.')
const keys = fc.array(key, { minLength: 1, maxLength: 4 })

/** What is done to a store, and what came back; an error by its code. */
type Step = (store: NodeRedContextStore) => unknown

const withCallback = (call: (callback: (error?: unknown, ...results: unknown[]) => void) => void) => {
  let got: unknown[] = ['was not called']
  call((error, ...results) => {
    got = [codeOf(error), ...results]
  })
  return got
}
const withoutCallback = (call: () => unknown) => {
  try {
    return call()
  } catch (error) {
    return codeOf(error)
  }
}
const codeOf = (error: unknown) => (error as { code?: string } | null | undefined)?.code

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(scope, keyToSet, value).map(
    ([at, one, to]): Step =>
      (store) =>
        withCallback((callback) => store.set(at, one, copy(to), callback)),
  ),
  fc.tuple(scope, keyToSet, value).map(
    ([at, one, to]): Step =>
      (store) =>
        withoutCallback(() => store.set(at, one, copy(to))),
  ),
  fc.tuple(scope, keys, fc.oneof(value, fc.array(value, { maxLength: 4 }))).map(
    ([at, many, to]): Step =>
      (store) =>
        withCallback((callback) => store.set(at, many, copy(to), callback)),
  ),
  fc.tuple(scope, fc.oneof(key, keys)).map(
    ([at, one]): Step =>
      (store) =>
        withCallback((callback) => store.get(at, one, callback)),
  ),
  fc.tuple(scope, fc.oneof(key, keys)).map(
    ([at, one]): Step =>
      (store) =>
        withoutCallback(() => store.get(at, one)),
  ),
  scope.map(
    (at): Step =>
      (store) =>
        withCallback((callback) => store.keys(at, callback as never)),
  ),
  scope.map(
    (at): Step =>
      (store) =>
        store.keys(at),
  ),
  scope.map(
    (at): Step =>
      (store) =>
        store.delete(at),
  ),
  fc.subarray(['f1', 'n1', 'n2']).map(
    (active): Step =>
      (store) =>
        store.clean(active),
  ),
)

/** As in a flow, where each value is made anew; a list of values may have undefined in it. */
function copy<Value>(given: Value): Value {
  return structuredClone(given)
}

/** All that a store has. */
function all(store: NodeRedContextStore): unknown {
  return SCOPES.map((at) => store.keys(at).map((name) => [at, name, store.get(at, [name])]))
}

test("whatever is done to it, it answers as Node-RED's own store does, and so it does after a restart", async () => {
  const place = () => {
    const kept = memoryPlace()
    return async () => {
      const store = nodeRedContextStore({ backend: memoryBackend(kept) })
      await store.open()
      return store
    }
  }
  let compared = 0
  const agrees = async (steps: Step[]) => {
    const theirs = memoryStore()
    const open = place()
    const ours = await open()
    for (const one of steps) {
      const answer = await one(ours)
      // Where a value has no properties or a list would get a hole, Node-RED loses what is set, or makes the hole.
      if ([answer].flat()[0] === 'ERR_PERSIST_NOT_STORABLE') break
      const expected = await one(theirs)
      expect(answer).toEqual(expected)
      compared += 1
    }
    const kept = all(ours)
    await ours.close()
    const again = await open()
    expect(all(again)).toEqual(kept)
    await again.close()
  }
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), agrees), { numRuns: 1000 })
  expect(compared).toBeGreaterThan(2000)
})
