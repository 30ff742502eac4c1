import { expect, test } from 'vitest'
import { AnsweredRequests } from '../../../../src/backends/mqtt/owner/answered-requests.ts'

const bytes = (length: number, value = 0) => new Uint8Array(length).fill(value)

test('the answer to a request is known by its key and its content, also before it is there', async () => {
  const memory = new AnsweredRequests()
  const answer = Promise.resolve(bytes(1))
  memory.remember('a', bytes(3, 1), answer)
  expect(memory.of('a', bytes(3, 1))).toBe(answer)
  expect(memory.of('a', bytes(3, 2))).toBeUndefined()
  expect(memory.of('b', bytes(3, 1))).toBeUndefined()
})

test('the answers to the last 8,192 requests are remembered', async () => {
  const memory = new AnsweredRequests()
  const answer = Promise.resolve(bytes(1))
  for (let turn = 0; turn < 8193; turn++) memory.remember(`${turn}`, bytes(1), answer)
  await answer
  expect([0, 1, 8192].map((turn) => memory.of(`${turn}`, bytes(1)) !== undefined)).toEqual([false, true, true])
})

test('a request is not forgotten before it is answered, however large it is and however many others there are', async () => {
  const memory = new AnsweredRequests()
  const large = bytes(5 * 2 ** 20)
  const unanswered = new Promise<Uint8Array>(() => {})
  memory.remember('large', large, unanswered)
  const answer = Promise.resolve(bytes(1))
  for (let turn = 0; turn < 10_000; turn++) memory.remember(`${turn}`, bytes(1), answer)
  await answer
  expect(memory.of('large', large)).toBe(unanswered)
})

test('large answers push out older ones, and what is pushed out is not counted any more', async () => {
  const memory = new AnsweredRequests()
  for (let turn = 0; turn < 100; turn++) {
    memory.remember(`${turn}`, bytes(1), Promise.resolve(bytes(2 ** 20)))
    await Promise.resolve()
  }
  await Promise.resolve()
  const known = Array.from({ length: 100 }, (_, turn) => memory.of(`${turn}`, bytes(1)) !== undefined)
  expect(known.lastIndexOf(false)).toBe(96)
  // Small ones have their place again when the large ones are gone.
  const answer = Promise.resolve(bytes(1))
  for (let turn = 0; turn < 8192; turn++) memory.remember(`small ${turn}`, bytes(1), answer)
  await answer
  expect(memory.of('small 0', bytes(1))).toBeDefined()
})
