import { describe, expect, onTestFinished, test } from 'vitest'
import { mosquittoAvailable } from '../helpers/available.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { waitFor, within } from '../helpers/wait.ts'
import { type Inspected, inspected, startOn } from './inspector.ts'

interface Received {
  readonly id: string
  readonly event: { readonly type: string; readonly [fact: string]: unknown }
}

/** Reads server-sent events as a browser does, until it is told to stop. */
async function listen({ get }: Inspected, lastId?: string) {
  const response = await get('live', lastId === undefined ? {} : { 'last-event-id': lastId })
  const received: Received[] = []
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let rest = ''
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const match = /^id: (.*)\ndata: (.*)$/.exec(block)
        if (match) received.push({ id: match[1] as string, event: JSON.parse(match[2] as string) })
      }
    }
  }
  const reading = read().catch(() => {})
  const stop = async () => {
    await reader.cancel()
    await reading
  }
  onTestFinished(() => void reader.cancel().catch(() => {}))
  const until = (count: number) =>
    waitFor(() => received.length >= count, { what: `${count} events, ${JSON.stringify(received)} came` })
  return { received, stop, until, type: response.headers.get('content-type') }
}

describe.skipIf(!mosquittoAvailable)('what happens to pools', () => {
  test('the revision of a pool is nowhere, and another one alone is no change', async () => {
    const page = await inspected({ garage: '{"$rev":"w.1<0","a":1}' })
    const { received, until } = await listen(page)
    await until(1)
    expect(received[0]?.event).toMatchObject({ pools: [{ name: 'garage', variables: 1 }] })
    await page.put('garage', '{"$rev":"w.2<w.1","a":1}')
    await page.put('garage', '{ "a": 2, "$rev": "w.3<w.2" }')
    await until(2)
    expect(received[1]?.event).toMatchObject({ changes: [['a', '2']] })
    const all = await Promise.all(
      ['pools/garage', 'pools/garage/history', 'search?q=rev'].map((path) => page.get(path)),
    )
    const texts = await Promise.all(all.map((response) => response.text()))
    expect(texts.filter((text) => text.includes('rev'))).toEqual([])
    expect(JSON.parse(texts[1] ?? '')).toMatchObject([{ text: '{"a":1}' }, { text: '{"a":2}' }])
  })

  test('a page is told a snapshot first, then what changes as it happens', async () => {
    const page = await inspected({ garage: '{"a":1,"b":[1]}' })
    const { received, until, type } = await listen(page)
    await until(1)
    expect(type).toBe('text/event-stream')
    expect(received[0]?.event).toMatchObject({
      type: 'snapshot',
      about: { broker: page.brokerUrl, isReadOnly: false, deviceLimitBytes: 1177 },
      pools: [{ name: 'garage', owner: 'none', variables: 2, bytes: 15 }],
    })
    await page.put('garage', '{"a":2,"b":[1]}')
    await page.put('attic', '{"x":1.0}')
    await page.put('garage', '{"a":2}')
    await page.put('garage', 'no pool')
    await page.put('garage', '{"a":2}')
    await page.put('garage', '')
    await until(7)
    const told = received.slice(1).map(({ event }) => [event.type, event.changes ?? null])
    expect(told).toEqual([
      ['pool', [['a', '2']]],
      ['pool', [['x', '1.0']]],
      ['pool', [['b', null]]],
      ['pool', null],
      ['pool', null],
      ['deleted', null],
    ])
    expect(received.map(({ id }) => Number(id.split('-')[1]))).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  test('the events go on where a lost connection ended: nothing is missed, nothing comes twice', async () => {
    const page = await inspected({ garage: '{"a":0}' })
    const first = await listen(page)
    await page.put('garage', '{"a":1}')
    await first.until(2)
    await first.stop()
    for (let a = 2; a <= 50; a++) await page.put('garage', `{"a":${a}}`)
    const second = await listen(page, first.received.at(-1)?.id)
    await second.until(49)
    await page.put('garage', '{"a":51}')
    await second.until(50)
    const values = second.received.map(({ event }) => (event.changes as [string, string][])[0]?.[1])
    expect(values).toEqual(Array.from({ length: 50 }, (_, index) => String(index + 2)))
  })

  test('the events begin with a snapshot where they cannot go on: another run, or too long ago', async () => {
    const page = await inspected({ garage: '{"a":0}' })
    for (const id of ['00000000-0', 'x', '', `${page.inspector.livePools.events.idOf(0)}9`]) {
      const { received, until, stop } = await listen(page, id)
      await until(1)
      expect(received[0]?.event.type).toBe('snapshot')
      await stop()
    }
    const id = page.inspector.livePools.events.idOf(0)
    // The log has 16 million characters.
    const large = 'x'.repeat(50_000)
    for (let number = 0; number < 400; number++) {
      page.inspector.livePools.events.add({ type: 'offline', message: large })
    }
    const { received, until } = await listen(page, id)
    await until(1)
    expect(received[0]?.event.type).toBe('snapshot')
  })

  test('a variable that is large is asked for, not sent to all', async () => {
    const page = await inspected({ garage: '{"a":0}' })
    const { received, until } = await listen(page)
    await page.put('garage', JSON.stringify({ a: 'x'.repeat(70_000) }))
    await until(2)
    expect(received[1]?.event).toMatchObject({ type: 'pool', changes: null, pool: { variables: 1 } })
  })

  test('what has changed while the broker was away is told when it comes back', { timeout: 30_000 }, async () => {
    const broker = await startMosquitto({ persistence: true })
    onTestFinished(() => broker.stop())
    const inspector = await startOn(broker.url)
    await broker.kill()
    await waitFor(
      () => inspector.livePools.snapshot().type === 'snapshot' && 'offline' in inspector.livePools.snapshot(),
      {
        what: 'the inspector to see that the broker is gone',
      },
    )
    await broker.restart()
    await waitFor(() => !('offline' in inspector.livePools.snapshot()), {
      what: 'the inspector to see that the broker is back',
      limitMs: 20_000,
    })
    await within(inspector.close(), { what: 'the inspector to close' })
  })

  test('the inspector does not start where there is no broker', async () => {
    await expect(startOn('mqtt://127.0.0.1:1')).rejects.toMatchObject({ code: 'ERR_PERSIST_CONNECT' })
  })
})
