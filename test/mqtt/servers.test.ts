import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { addressOf } from '../../src/mqtt/address.ts'
import { connect } from '../../src/mqtt/connect.ts'
import { makeBackend, openingError } from '../backends/mqtt/fixture.ts'
import { startAedes } from '../helpers/aedes.ts'
import { freePort } from '../helpers/free-port.ts'
import { running } from '../helpers/opened-at.ts'

/** A server that takes connections, and does no more. */
async function silent(): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Where nobody listens. */
async function nowhere(): Promise<string> {
  return `mqtt://127.0.0.1:${await freePort()}`
}

const address = (...url: string[]) => addressOf({ url, protocolVersion: 'auto' })

describe('a list of urls', () => {
  test('is tried in its order until one answers', async () => {
    const { url } = await running(startAedes())
    const connection = await connect(address(await nowhere(), url), 5000)
    await connection.end()
  })

  test('an address that hangs does not take the time of the others', async () => {
    const { url } = await running(startAedes())
    const connection = await connect(address(await silent(), await silent(), url), 3000)
    await connection.end()
  })

  test('a refusal is an answer: the next address is not tried', async () => {
    const strict = await running(startAedes({ authenticate: (_client, _user, _password, done) => done(null, false) }))
    const { url } = await running(startAedes())
    await expect(connect(address(strict.url, url), 5000)).rejects.toMatchObject({ code: 'ERR_PERSIST_DENIED' })
  })

  test('where none answers, each has been tried once, and the error says why the last one did not', async () => {
    const [first, second] = [await nowhere(), await nowhere()]
    await expect(connect(address(first, second), 5000)).rejects.toMatchObject({
      code: 'ERR_PERSIST_CONNECT',
      store: `${first}, ${second}`,
      message: expect.stringContaining(`nothing listens on port ${second.slice(-5).replace(':', '')}`),
    })
  })

  test('where one hangs and none listens at the other, the error says what was waited for, and where', async () => {
    const hanging = await silent()
    await expect(connect(address(await nowhere(), hanging), 400)).rejects.toMatchObject({
      code: 'ERR_PERSIST_TIMEOUT',
      message: expect.stringContaining(`${hanging}: CONNACK`),
    })
  })

  test('each url may have a user of its own, whom no text names', () => {
    const { servers, storeName } = address('mqtt://ann:secret@one', 'mqtts://bob:other@two')
    expect(servers.map(({ username, password }) => [username, password])).toEqual([
      ['ann', 'secret'],
      ['bob', 'other'],
    ])
    expect(storeName).toBe('mqtt://one:1883, mqtts://two:8883')
    expect(makeBackend({ url: ['mqtt://ann:secret@one', 'mqtts://two'], topic: 't' }).place).toBe(
      'mqtt://one:1883, mqtts://two:8883 t',
    )
  })
})

describe('with patience', () => {
  test('what is final is an error at once', async () => {
    const { url } = await running(startAedes({ authenticate: (_client, _user, _password, done) => done(null, false) }))
    expect(await openingError({ url, patience: 'limited' }, 60_000)).toMatchObject({ code: 'ERR_PERSIST_DENIED' })
  })

  test('when the time is over, the last reason is the error, and for how long it was tried', async () => {
    const url = await nowhere()
    const error = await openingError({ url, patience: 'limited' }, 600)
    expect(error).toMatchObject({ code: 'ERR_PERSIST_CONNECT', received: 'ECONNREFUSED' })
    expect(error.message).toMatch(/nothing listens on port .*, tried for 600 ms\. Start the broker/)
  })

  test('what hangs until the end is a timeout that says what was waited for', async () => {
    const error = await openingError({ url: await silent(), patience: 'limited' }, 300)
    expect(error).toMatchObject({
      code: 'ERR_PERSIST_TIMEOUT',
      message: expect.stringMatching(/within 300 ms.*CONNACK/),
    })
  })
})
