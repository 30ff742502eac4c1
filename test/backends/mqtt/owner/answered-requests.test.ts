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

test('the answers to the last 1,024 requests are remembered', () => {
  const memory = new AnsweredRequests()
  const answer = Promise.resolve(bytes(1))
  for (let turn = 0; turn < 1025; turn++) memory.remember(`${turn}`, bytes(1), answer)
  expect([0, 1, 1024].map((turn) => memory.of(`${turn}`, bytes(1)) !== undefined)).toEqual([false, true, true])
})

test.each([
  ['requests', 2 ** 20, 1],
  ['answers', 1, 2 ** 20],
])(
  'large %s push out older answers, and what is pushed out is not counted any more',
  async (_what, request, answer) => {
    const memory = new AnsweredRequests()
    for (let turn = 0; turn < 100; turn++) {
      memory.remember(`${turn}`, bytes(request), Promise.resolve(bytes(answer)))
      await Promise.resolve()
    }
    await Promise.resolve()
    const known = Array.from({ length: 100 }, (_, turn) => memory.of(`${turn}`, bytes(request)) !== undefined)
    expect(known.lastIndexOf(false)).toBe(96)
    // Small ones have their place again when the large ones are gone.
    for (let turn = 0; turn < 1024; turn++) memory.remember(`small ${turn}`, bytes(1), Promise.resolve(bytes(1)))
    expect(memory.of('small 0', bytes(1))).toBeDefined()
  },
)
