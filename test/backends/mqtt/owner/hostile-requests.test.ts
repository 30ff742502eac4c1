import { describe, expect, test } from 'vitest'
import { mosquittoAvailable } from '../../../helpers/available.ts'
import { waitFor } from '../../../helpers/wait.ts'
import { ask, asked, nth, TOPIC } from './asked-owner.ts'

describe.skipIf(!mosquittoAvailable)('an owner goes on, on the same connection,', () => {
  test('an owner goes on when an answer would need a longer topic than there are', async () => {
    const { pt, client, heard, proxy } = await asked()
    const longest = 65_535 - `${TOPIC}/set/`.length
    await ask(client, `set/${'i'.repeat(longest)}`, '{"a":1}')
    await ask(client, `set/${'é'.repeat(longest / 2)}`, '{"b":1}')
    await ask(client, 'set/1', '{"c":1}')
    expect(await nth(heard, 1)).toMatchObject({ topic: `${TOPIC}/answer/1`, text: '{"ok":true}' })
    expect({ ...pt }).toEqual({ a: 1, b: 1, c: 1 })
    expect(proxy.connections()).toBe(1)
  })

  test('an owner goes on when an answer would be larger than the broker takes', async () => {
    const { pt, client, heard, proxy } = await asked({ config: ['max_packet_size 600'] })
    // The answer is 20 bytes longer than the request, and 10 less would be too many.
    const id = 'i'.repeat(600 - `${TOPIC}/increment/{"n":1}`.length - 15)
    await ask(client, `increment/${id}`, '{"n":1}')
    await ask(client, 'increment/1', '{"n":1}')
    expect(await nth(heard, 1)).toMatchObject({ topic: `${TOPIC}/answer/1`, text: '{"ok":true,"values":{"n":2}}' })
    expect(pt.n).toBe(2)
    expect(proxy.connections()).toBe(1)
  })

  test.each([
    ['nothing', Buffer.of(), 'BAD_PAYLOAD'],
    ['a list', Buffer.from('[{"a":1}]'), 'BAD_PAYLOAD'],
    ['100,000 levels', Buffer.from(`{"a":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_001)}`), 'BAD_PAYLOAD'],
    ['infinity', Buffer.from('{"a":-1e400}'), 'BAD_PAYLOAD'],
    ['a prototype', Buffer.from('{"__proto__":{"polluted":1}}'), 'RESERVED_NAME'],
    ['20 MB', Buffer.from(`{"a":"${'x'.repeat(20 * 2 ** 20)}"}`), 'BAD_PAYLOAD'],
  ])('an owner goes on when it is asked for %s', async (_what, content, code) => {
    const { pt, client, heard, errors, proxy } = await asked()
    for (const path of ['set/1', 'increment/2', 'set', 'increment/']) await ask(client, path, content)
    expect(JSON.parse((await nth(heard, 1)).text)).toMatchObject({ error: { code: `ERR_PERSIST_${code}` } })
    expect(JSON.parse((await nth(heard, 2)).text).ok).toBe(false)
    // Nobody can be answered, so the owner's program is told.
    await nth(errors, 2)
    expect(errors).toHaveLength(2)
    await ask(client, 'set/3', '{"b":1}')
    expect((await nth(heard, 3)).text).toBe('{"ok":true}')
    expect({ ...pt }).toEqual({ b: 1 })
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(proxy.connections()).toBe(1)
  })

  test('bytes of a request that are no UTF-8 are read as those of a pool are', async () => {
    const { pt, client, heard } = await asked()
    await ask(client, 'set/1', Buffer.concat([Buffer.from('{"a":"x'), Buffer.of(0xff), Buffer.from('"}')]))
    expect((await nth(heard, 1)).text).toBe('{"ok":true}')
    expect(pt.a).toBe('x\u{fffd}')
  })

  test.each(['', '+', 'answers/#', '$SYS/answers'])(
    'an owner goes on when the answer is to go to %j',
    async (responseTopic) => {
      const { pt, client, heard, proxy } = await asked()
      await ask(client, 'set', '{"a":1}', { responseTopic })
      await waitFor(() => pt.a === 1 || !client.connected, { what: 'what was asked for' })
      // Some brokers, Mosquitto among them, take such a topic from nobody.
      if (!client.connected) return
      await ask(client, 'set/1', '{"b":1}')
      expect(await nth(heard, 1)).toMatchObject({ topic: `${TOPIC}/answer/1` })
      expect(proxy.connections()).toBe(1)
    },
  )

  test('thousands of requests at once, with and without an id, are all done, in order', async () => {
    const { pt, client, heard, proxy } = await asked({ config: ['max_queued_messages 0', 'set_tcp_nodelay true'] })
    const count = 3000
    for (let turn = 1; turn <= count; turn++) {
      void ask(client, turn % 2 === 0 ? `increment/${turn}` : 'increment', '{"n":1}')
      void ask(client, 'set', `{"last":${turn}}`)
    }
    await waitFor(() => pt.last === count && heard.length === count / 2, { what: 'the last one', limitMs: 15_000 })
    expect(pt.n).toBe(count)
    // Answers are sent when all that came before is saved; each tells the sum of its own moment.
    const sums = heard.map(({ text }) => JSON.parse(text).values.n)
    expect(sums).toEqual(sums.map((_, index) => 2 * index + 2))
    expect(proxy.connections()).toBe(1)
  })
})

test.skipIf(!mosquittoAvailable)('an id that is used again for something else is a request of its own', async () => {
  const { pt, client, heard } = await asked()
  for (const text of ['{"n":1}', '{"n":10}', '{"n":10}', '{"n":1}']) await ask(client, 'increment/1', text)
  await nth(heard, 4)
  expect(heard.map(({ text }) => JSON.parse(text).values.n)).toEqual([1, 11, 11, 12])
  expect(pt.n).toBe(12)
})
