import { expect, test } from 'vitest'
import { atOnce } from '../../src/pools/at-once.ts'
import { nameBatches } from '../../src/pools/name-batches.ts'
import { PoolTopics } from '../../src/pools/pool-topics.ts'
import { deferred } from '../../src/runtime/promises.ts'

/** Work that is over when the test says so. */
function worked(sizes: readonly number[], limit: number) {
  const running = new Map<number, ReturnType<typeof deferred<void>>>()
  const done = atOnce(
    sizes.entries(),
    limit,
    ([, size]) => size,
    ([index]) => {
      const work = deferred<void>()
      running.set(index, work)
      return work.promise
    },
  )
  const end = async (index: number, error?: Error) => {
    const work = running.get(index)
    running.delete(index)
    if (error) work?.reject(error)
    else work?.resolve()
    await new Promise(setImmediate)
  }
  return { done, end, under: () => [...running.keys()] }
}

test('as much is under way at once as fits, in order, and what is larger goes alone', async () => {
  const { done, end, under } = worked([3, 3, 4, 1, 50, 1], 10)
  expect(under()).toEqual([0, 1, 2])
  await end(1)
  expect(under()).toEqual([0, 2, 3])
  await end(0)
  await end(2)
  expect(under()).toEqual([3])
  await end(3)
  expect(under()).toEqual([4])
  await end(4)
  await end(5)
  await done
})

test('after a failure nothing more is begun, and what was begun is waited for', async () => {
  const { done, end, under } = worked([1, 1, 1, 1], 2)
  let isOver = false
  const failed = expect(
    done.finally(() => {
      isOver = true
    }),
  ).rejects.toThrow('first')
  await end(1, new Error('first'))
  expect([under(), isOver]).toEqual([[0], false])
  await end(0, new Error('second'))
  await failed
})

test('names are asked for in batches that fit a packet, a hundred at most', () => {
  const topics = new PoolTopics('stat/{name}/PersistMQTT')
  const names = Array.from({ length: 250 }, (_, index) => `p${index}`)
  const sizes = (limit: number) => Array.from(nameBatches(topics, names, limit), ({ length }) => length)
  expect(sizes(Number.POSITIVE_INFINITY)).toEqual([100, 100, 50])
  expect(sizes(20)).toEqual(names.map(() => 1))
  for (const batch of nameBatches(topics, names, 1000)) {
    expect(topics.filters(batch).join('').length + 3 * 3 * batch.length).toBeLessThan(1000)
  }
  expect([...nameBatches(topics, names, 1000)].flat()).toEqual(names)
})
