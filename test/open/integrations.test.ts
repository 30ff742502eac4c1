import { describe, expect, onTestFinished, test } from 'vitest'
import { homeAssistant } from '../../src/home-assistant/home-assistant.ts'
import { type Integration, openStore, type PersistError, type SideTopics } from '../../src/index.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../helpers/mqtt-client.ts'
import { waitFor } from '../helpers/wait.ts'

const HEARD = 'hall/button'
const TOLD = 'hall/presses'

/** A button in the hall: each press counts up the variable `presses`, which is told on a topic. */
function button(): Integration {
  return {
    name: 'button',
    attach(pt) {
      let publish: Parameters<SideTopics['linked']>[0] = () => {}
      const tell = () => publish(TOLD, String(pt.$snapshot().presses ?? 0))
      pt.$on('change', ({ name }) => {
        if (name === 'presses') tell()
      })
      return {
        topics: [HEARD],
        received() {
          pt.presses = Number(pt.presses ?? 0) + 1
        },
        linked(next) {
          publish = next
          return pt.exec(tell)
        },
      }
    },
  }
}

/** Nothing but what is given. */
function integration(name: string, side: Partial<SideTopics>): Integration {
  return { name, attach: () => ({ topics: [], received() {}, linked() {}, ...side }) }
}

async function opened(integrations: readonly Integration[]) {
  const broker = await startMosquitto()
  onTestFinished(() => broker.stop())
  const pt = await openStore({ url: broker.url, name: 'hall', integrations })
  onTestFinished(() => pt.$close())
  const errors: PersistError[] = []
  pt.$on('error', (error) => errors.push(error))
  const press = async () => (await connectClient(broker.url)).publishAsync(HEARD, 'pressed', { qos: 1 })
  const at = async (topic: string) => (await retainedAt(broker.url, topic))?.payload.toString()
  const tells = (text: string) => waitFor(async () => (await at(TOLD)) === text, { what: `${TOLD} to be ${text}` })
  return { broker, pt, errors, press, at, tells }
}

describe.skipIf(!mosquittoAvailable)('integrations of a store', () => {
  test('each announces and hears what is its own, one of the user as well as ours', async () => {
    const { pt, errors, press, at, tells } = await opened([homeAssistant(), button()])
    await tells('0')
    await press()
    await tells('1')
    const announced = async () => JSON.parse((await at('homeassistant/device/persist_hall/config')) ?? '{}').components
    await waitFor(async () => 'sensor_presses' in (await announced()), { what: 'the entity of presses' })
    expect(pt.presses).toBe(1)
    expect(errors).toEqual([])
  })

  test('what they announce when the store closes does not keep it from saying that the pool has no owner any more', async () => {
    // Mosquitto takes 20 at a time.
    const linked: SideTopics['linked'] = (publish) => {
      for (let n = 0; n < 100; n++) publish(`hall/${n}`, 'here')
    }
    const { pt, at } = await opened([integration('many', { linked })])
    await pt.$close()
    const told = ['hall/99', 'tele/hall/LWT', 'stat/hall/PersistMQTT/owner']
    expect(await Promise.all(told.map(at))).toEqual(['here', undefined, undefined])
  })

  test('are linked again to each connection', async () => {
    const { broker, pt, press, tells } = await opened([integration('silent', {}), button()])
    await press()
    await tells('1')
    await broker.kill()
    await broker.restart()
    await tells('1')
    await press()
    await tells('2')
    expect(pt.presses).toBe(2)
  })

  test('hear the same topic, where two of them listen to it', async () => {
    const heard: string[] = []
    const listener = (name: string) => integration(name, { topics: [HEARD], received: () => void heard.push(name) })
    const { press } = await opened([listener('first'), listener('second')])
    await press()
    await waitFor(() => heard.length === 2, { what: 'both to hear it' })
    expect(heard).toEqual(['first', 'second'])
  })

  test('that fail are told, and harm neither the pool nor the others', async () => {
    const fail = (what: string) => () => {
      throw new Error(what)
    }
    const { pt, errors, press, tells } = await opened([
      { name: 'one', attach: fail('cannot be attached') },
      integration('two', { topics: [HEARD], received: fail('cannot hear') }),
      integration('three', { linked: fail('cannot be linked') }),
      integration('four', { linked: async () => fail('cannot be linked later')() }),
      integration('five', { topics: ['a/#'] }),
      integration('six', { topics: [5 as never] }),
      integration('seven', { linked: (publish) => publish('', 'x') }),
      { name: 'eight', attach: () => undefined as never },
      button(),
    ])
    await press()
    await tells('1')
    pt.more = true
    await pt.save()
    await waitFor(() => errors.length === 8, { what: 'eight errors' })
    const told = errors.map(({ code, message }) => `${code} ${message}`).toSorted()
    const expected = [
      ['eight', 'undefined'],
      ['five', '"a/#" is no MQTT topic'],
      ['four', 'cannot be linked later'],
      ['one', 'cannot be attached'],
      ['seven', '"" is no MQTT topic'],
      ['six', '5 is no MQTT topic'],
      ['three', 'cannot be linked'],
      ['two', 'cannot hear'],
    ]
    for (const [index, [name, reason]] of expected.entries()) {
      expect(told[index]).toMatch(/^ERR_PERSIST_FAILED The integration /)
      expect(told[index]).toContain(` ${name} of store 'hall'`)
      expect(told[index]).toContain(reason)
    }
    expect(pt.$status.state).toBe('ready')
  })
})
