import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type NodeRedContextStore, nodeRedContextStore } from '../../src/adapters/node-red.ts'
import { memoryBackend, memoryPlace } from '../../src/memory.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { fileStores } from './node-red-modules.ts'

const SCOPES = ['global', 'f1', 'n1:f1', 'n2:f1']
const KEYS = [
  'a',
  'b',
  'a.b',
  'a.b.c',
  'a["b"]',
  'list',
  'list[0]',
  'list[1]',
  'list[4]',
  'list[3].x',
  'b.list[2]',
  'get',
]

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
        store.delete(at).then(() => {}),
  ),
  fc.subarray(['f1', 'n1', 'n2']).map(
    (active): Step =>
      (store) =>
        store.clean(active).then(() => {}),
  ),
)

/** As in a flow, where each value is made anew, those of several keys too; a list of values may have undefined in it. */
function copy(given: unknown): unknown {
  return Array.isArray(given) ? given.map(copy) : structuredClone(given)
}

/** All that a store has. */
function all(store: NodeRedContextStore): unknown {
  return SCOPES.map((at) => store.keys(at).map((name) => [at, name, store.get(at, [name])]))
}

/** Node-RED's own stores have holes in lists until they read their files again. */
function fillHoles(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) if (!(index in value)) value[index] = null
  }
  Object.values(value).forEach(fillHoles)
}

test.each(fileStores)(
  'whatever is done to it, it answers as the own store of Node-RED %s does, and so it does after a restart',
  { timeout: 60_000 },
  async (_, fileStore) => {
    let compared = 0
    const agrees = async (steps: Step[]) => {
      const place = memoryPlace()
      const dir = temporaryDirectory()
      const pair = async () => {
        const ours = nodeRedContextStore({ backend: memoryBackend(place) })
        const theirs = fileStore({ dir, settings: {} })
        await Promise.all([ours.open(), theirs.open()])
        return { ours, theirs }
      }
      const { ours, theirs } = await pair()
      let areSame = true
      for (const one of steps) {
        const answer = await one(ours)
        // Where a value has no properties, Node-RED loses what is set.
        areSame = [answer].flat()[0] !== 'ERR_PERSIST_NOT_STORABLE'
        if (!areSame) break
        const expected = await one(theirs)
        expect(answer).toEqual(expected)
        fillHoles(theirs.cache.data)
        compared += 1
      }
      const kept = all(ours)
      await Promise.all([ours.close(), theirs.close()])
      const again = await pair()
      expect(all(again.ours)).toEqual(kept)
      if (areSame) expect(all(again.theirs)).toEqual(kept)
      await Promise.all([again.ours.close(), again.theirs.close()])
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), agrees), { numRuns: 300 })
    expect(compared).toBeGreaterThan(600)
  },
)
