import { describe, expect, onTestFinished, test } from 'vitest'
import { type Check, examine } from '../../src/pools/doctor.ts'
import { Pools } from '../../src/pools/pools.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { type MosquittoOptions, startMosquitto } from '../helpers/mosquitto.ts'

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
