import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import type { ClientEvent } from '../../src/broker/client-events.ts'
import { startBroker } from '../../src/broker/start-broker.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { within } from '../helpers/wait.ts'
import { startTestBroker } from './fixture.ts'

/** What a broker answers to a request for a WebSocket: 101, or the status and the text of its refusal. */
function upgraded(url: string, headers: Record<string, string>): Promise<[status: number, text: string]> {
  const socket = new WebSocket(url, 'mqtt', { headers })
  onTestFinished(() => socket.terminate())
  const answer = new Promise<[number, string]>((resolve, reject) => {
    socket.once('open', () => resolve([101, '']))
    socket.once('unexpected-response', (_request, response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.once('end', () => resolve([response.statusCode ?? 0, text]))
    })
    socket.once('error', reject)
  })
  return within(answer, { what: 'an answer' })
}

test('web pages of elsewhere may not connect, under no name; those of this machine, and programs, may', async () => {
  const events: ClientEvent[] = []
  const broker = await startTestBroker({
    directory: temporaryDirectory(),
    allowOrigins: ['https://home.example/', 'capacitor://localhost'],
    allowHosts: ['Shed.local'],
    onClient: (event) => void events.push(event),
  })
  const { port } = new URL(broker.webSocketUrl)
  const status = async (headers: Record<string, string>) => (await upgraded(broker.webSocketUrl, headers))[0]
  for (const origin of [
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'http://192.168.1.9:8000',
    'file://localhost',
    'https://home.example:444',
    'http://home.example',
    'chrome-extension://localhost',
    'nonsense',
  ])
    expect([origin, await status({ origin })]).toEqual([origin, 403])
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', 'shed.local.evil.example'])
    expect([host, await status({ host }), await status({ host, origin: `http://${host}` })]).toEqual([host, 403, 403])
  for (const headers of [
    {},
    { origin: 'http://localhost:8000' },
    { origin: 'http://127.0.0.1' },
    { origin: 'https://[::1]:3000' },
    { origin: 'https://home.example' },
    { origin: 'capacitor://localhost' },
    { host: `192.168.1.2:${port}`, origin: 'http://192.168.1.2:8000' },
    { host: `shed.local:${port}`, origin: 'http://shed.local' },
    { host: 'SHED.LOCAL' },
  ])
    expect([headers, await status(headers)]).toEqual([headers, 101])
  const [, text] = await upgraded(broker.webSocketUrl, { origin: 'https://evil.example' })
  expect(text).toBe('Refused: a web page of https://evil.example; --allow-origin ORIGIN allows one\n')
  expect(events[0]).toEqual({
    kind: 'refused',
    clientId: '',
    address: '127.0.0.1',
    reason: 'a web page of https://evil.example; --allow-origin ORIGIN allows one',
  })
})

test('an origin that is none is told before anything starts', async () => {
  const started = startBroker({ directory: temporaryDirectory(), allowOrigins: ['home.example'] })
  await expect(started).rejects.toMatchObject({
    code: 'ERR_PERSIST_OPTION',
    message: 'home.example is no origin of web pages. It must be like https://home.example.',
  })
})
