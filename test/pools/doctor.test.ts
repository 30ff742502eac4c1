import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { nameCheck } from '../../src/pools/doctor/name-check.ts'
import { type Check, examine } from '../../src/pools/doctor.ts'
import { Pools } from '../../src/pools/pools.ts'
import { mosquittoAvailable, natsAvailable } from '../helpers/available.ts'
import { brokerChangingTopics } from '../helpers/changing-topics.ts'
import { type MosquittoOptions, startMosquitto } from '../helpers/mosquitto.ts'
import { startNats } from '../helpers/nats.ts'

/** What the doctor finds, by the names of its checks. */
async function examined(options: MosquittoOptions): Promise<Record<string, Check>> {
  const broker = await startMosquitto(options)
  onTestFinished(() => broker.stop())
  const checks: Record<string, Check> = {}
  await examine(new Pools({ url: broker.url }), new AbortController().signal, (check) => {
    checks[check.name] = check
  })
  return checks
}

describe.skipIf(!mosquittoAvailable)('the doctor', () => {
  test('says that a broker takes no messages at QoS 1', async () => {
    const { write } = await examined({ listenerConfig: ['max_qos 0'] })
    expect(write).toMatchObject({ result: 'warning', seen: expect.stringContaining('QoS 0') })
  })

  test.each([
    [{}, 'ok'],
    [{ listenerConfig: ['max_qos 0'] }, 'warning'],
    [{ config: ['retain_available false'] }, 'warning'],
  ])('says whether a broker tells of programs that are lost: %o', async (options, result) => {
    expect((await examined(options)).will).toMatchObject({ result })
  })
})

describe('the name of a pool', () => {
  test('is refused where the broker changes it', async () => {
    const { url } = await brokerChangingTopics()
    const pools = new Pools({ url })
    expect(await nameCheck(pools, 'living.room')).toMatchObject({
      result: 'failed',
      seen: expect.stringMatching(/^what is sent to stat\/living\.room\/\S+ comes back as stat\/living\/room\//),
    })
    expect(await nameCheck(pools, 'living-room')).toMatchObject({ result: 'ok' })
  })

  test.skipIf(!natsAvailable)('is refused where the broker closes at it, and opening says so', async () => {
    const broker = await startNats()
    onTestFinished(() => broker.stop())
    expect(await nameCheck(new Pools({ url: broker.url }), 'living room')).toMatchObject({
      result: 'failed',
      seen: 'the broker closes the connection at stat/living room/PersistMQTT',
    })
    await expect(openStore({ url: broker.url, name: 'living room' })).rejects.toMatchObject({
      code: 'ERR_PERSIST_DENIED',
      message: expect.stringContaining('(NATS takes no blanks'),
    })
  })
})
