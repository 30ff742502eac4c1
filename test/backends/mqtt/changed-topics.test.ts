import { expect, test } from 'vitest'
import { Pools } from '../../../src/pools/pools.ts'
import { restorePool } from '../../../src/pools/restore-pools.ts'
import { bytesOf } from '../../helpers/bytes.ts'
import { brokerChangingTopics } from '../../helpers/changing-topics.ts'
import { connectClient } from '../../helpers/mqtt-client.ts'
import { errorOf, openBackend, openingError } from './fixture.ts'

const topic = 'stat/living.room/PersistMQTT'

test('a pool whose topic the broker changes is not taken for empty, and nothing is written', async () => {
  const broker = await brokerChangingTopics()
  const client = await connectClient(broker.url)
  await client.publishAsync(topic, '{"counter":41}', { qos: 1, retain: true })
  const written: string[] = []
  broker.aedes().on('publish', ({ topic: at, retain }) => void (retain && written.push(at)))
  for (const role of ['owner', 'guest'] as const) {
    expect(await openingError({ url: broker.url, topic, role })).toMatchObject({
      code: 'ERR_PERSIST_OPTION',
      message: expect.stringMatching(/stat\/living\.room\/\S* comes back from this broker as stat\/living\/room\//),
    })
  }
  expect(await errorOf(restorePool(new Pools({ url: broker.url }), 'living.room', bytesOf('{}')))).toMatchObject({
    code: 'ERR_PERSIST_OPTION',
    message: expect.stringContaining('was not saved: what is sent to stat/living.room/PersistMQTT comes back'),
  })
  expect(written).toEqual([])
})

test('other topics can be used at such a broker', async () => {
  const { url } = await brokerChangingTopics()
  const { held, write } = await openBackend({ url, topic: 'stat/living-room/PersistMQTT' })
  expect(held).toMatchObject({ bytes: null, proof: 'fence' })
  expect(await write('{"a":1}')).toBe('written')
})
