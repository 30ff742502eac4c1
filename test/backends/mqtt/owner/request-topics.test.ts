import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../../src/index.ts'
import { mosquittoAvailable } from '../../../helpers/available.ts'
import { startMosquitto } from '../../../helpers/mosquitto.ts'
import { connectClient } from '../../../helpers/mqtt-client.ts'
import { waitFor, waitForEvent } from '../../../helpers/wait.ts'
import { ask, asked, nth, TOPIC } from './asked-owner.ts'

describe.skipIf(!mosquittoAvailable)('what any MQTT client asks of an owner', () => {
  test('an answer to a Response Topic has the Correlation Data, and comes when all is saved', async () => {
    const { pt, client, heard } = await asked()
    const correlationData = Buffer.from([0, 255, 7])
    await ask(client, 'set', '{"x":{"y":1}}', { responseTopic: 'answers/mine', correlationData })
    const { topic, text, packet } = await nth(heard, 1)
    expect([topic, text, packet.properties?.correlationData]).toEqual(['answers/mine', '{"ok":true}', correlationData])
    expect({ ...pt }).toEqual({ x: { y: 1 } })
    expect(pt.$status).toMatchObject({ unsaved: false })
    await ask(client, 'increment', '{"n":2}', { responseTopic: 'answers/mine', correlationData: Buffer.from('2') })
    expect((await nth(heard, 2)).text).toBe('{"ok":true,"values":{"n":2}}')
    await ask(client, 'set', '{"x"', { responseTopic: 'answers/mine', correlationData: Buffer.from('3') })
    const answer = JSON.parse((await nth(heard, 3)).text)
    expect(answer).toMatchObject({ ok: false, error: { code: 'ERR_PERSIST_BAD_PAYLOAD' } })
    expect(answer.error.message).toContain('merge patch')
  })

  test('a request of MQTT 3.1.1 is answered by its id, of any number of levels', async () => {
    const { pt, client, heard } = await asked({}, { protocolVersion: 4 })
    await ask(client, 'set/mine/1', '{"x":1}')
    expect(await nth(heard, 1)).toMatchObject({ topic: `${TOPIC}/answer/mine/1`, text: '{"ok":true}' })
    expect(pt.x).toBe(1)
  })

  test('requests without Response Topic and id are done in order, and a refusal is an event of the owner', async () => {
    const { pt, client, errors } = await asked()
    for (let turn = 1; turn <= 100; turn++) void ask(client, 'set', `{"x":${turn},"of${turn % 3}":${turn}}`)
    await waitFor(() => pt.x === 100, { what: 'the last patch' })
    expect({ ...pt }).toEqual({ x: 100, of0: 99, of1: 100, of2: 98 })
    await ask(client, 'set', 'nonsense')
    await waitFor(() => errors.length > 0, { what: "'error'" })
    expect(errors).toEqual(['ERR_PERSIST_BAD_PAYLOAD'])
  })

  test('a request that is sent again is answered again, and not done again', async () => {
    const { pt, client, heard } = await asked()
    const properties = { responseTopic: 'answers/mine', correlationData: Buffer.from('1') }
    for (let turn = 0; turn < 3; turn++) {
      await ask(client, 'increment/mine-1', '{"n":1}')
      await ask(client, 'increment', '{"n":10}', properties)
    }
    await nth(heard, 6)
    // Whoever asks again need not wait for what others have asked meanwhile.
    const [one, ten] = ['{"ok":true,"values":{"n":1}}', '{"ok":true,"values":{"n":11}}']
    expect(heard.map(({ text }) => text).toSorted()).toEqual([ten, ten, ten, one, one, one])
    expect(pt.n).toBe(11)
  })

  test('a request for an owner that is gone is not done', async () => {
    const { pt, client, heard } = await asked()
    await ask(client, 'set/editor/0123456789abcdef-1', '{"x":1}')
    expect(JSON.parse((await nth(heard, 1)).text)).toMatchObject({ error: { code: 'ERR_PERSIST_NO_ANSWER' } })
    expect(pt.x).toBeUndefined()
  })

  test('a retained request is no request', async () => {
    const { pt, url, client, heard } = await asked()
    await pt.$close()
    await client.publishAsync(`${TOPIC}/set/1`, '{"x":1}', { qos: 1, retain: true })
    const again = await openStore({ url, name: 'garage', saveOnExit: false })
    await ask(client, 'set/2', '{"y":1}')
    expect(await nth(heard, 1)).toMatchObject({ topic: `${TOPIC}/answer/2` })
    expect({ ...again }).toEqual({ y: 1 })
    await again.$close()
  })

  test.each([
    ["the owner's pool", TOPIC],
    ["a topic of the owner's", `${TOPIC}/owner`],
    ['a request', `${TOPIC}/set/1`],
    ['the pool of another program', 'stat/other/PersistMQTT'],
    ['a topic of another owner', 'stat/other/PersistMQTT/owner'],
  ])(
    'a request is not answered on %s: there an answer would be taken for something else',
    async (_what, responseTopic) => {
      const { pt, client, heard } = await asked()
      await client.subscribeAsync('stat/#', { qos: 1 })
      await ask(client, 'set', '{"x":1}', { responseTopic, correlationData: Buffer.from('1') })
      await ask(client, 'set', '{"y":1}', { responseTopic: 'answers/mine' })
      await waitFor(() => heard.some(({ topic }) => topic === 'answers/mine'), { what: 'the next answer' })
      expect(heard.filter(({ text }) => text.includes('"ok"'))).toHaveLength(1)
      expect({ ...pt }).toEqual({ x: 1, y: 1 })
    },
  )

  test('variables with names of members can be removed, not made', async () => {
    const { pt, client, heard } = await asked()
    await client.publishAsync(TOPIC, '{"save":1,"__proto__":{"a":1}}', { qos: 1, retain: true })
    await waitFor(() => pt.find('save') === 1, { what: 'what somebody else wrote' })
    await ask(client, 'set/1', '{"save":2}')
    expect(JSON.parse((await nth(heard, 1)).text)).toMatchObject({ error: { code: 'ERR_PERSIST_RESERVED_NAME' } })
    await ask(client, 'set/2', '{"save":null,"__proto__":null}')
    expect(JSON.parse((await nth(heard, 2)).text)).toEqual({ ok: true })
    expect(JSON.stringify(pt)).toBe('{}')
  })

  test('an owner that may not subscribe to requests works without', async () => {
    const acl = ['topic readwrite stat/garage/PersistMQTT', 'topic readwrite stat/garage/PersistMQTT/fence/#']
    const { pt } = await asked({ acl })
    pt.x = 1
    await pt.save()
  })

  test('after a takeover the new owner alone does what is asked', async () => {
    const broker = await startMosquitto()
    onTestFinished(() => broker.stop())
    const first = await openStore({ url: broker.url, name: 'garage', saveOnExit: false })
    const taken = new Promise((resolve) => first.$on('error', resolve))
    const second = await openStore({ url: broker.url, name: 'garage', saveOnExit: false })
    await taken
    const client = await connectClient(broker.url)
    await client.subscribeAsync(`${TOPIC}/answer/#`, { qos: 1 })
    const answered = waitForEvent(client, 'message', { what: 'the answer' })
    await client.publishAsync(`${TOPIC}/set/1`, '{"x":1}', { qos: 1 })
    await answered
    expect(second.x).toBe(1)
    await Promise.all([first.$close(), second.$close()])
  })
})
