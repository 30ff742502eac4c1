import { afterEach, describe, expect, it, vi } from 'vitest'
import { HeldBackend } from '../helpers/held-backend.ts'
import { opened } from '../helpers/opened-store.ts'

afterEach(() => void vi.useRealTimers())

describe('save()', () => {
  it('save() sends nothing when nothing has changed', async () => {
    const { backend, pt } = await opened('{"a":{"b":[1,{"c":2}]}}')
    await pt.save()
    pt.a.b[1].c = 2
    pt.a.b.push(3)
    pt.a.b.pop()
    await pt.save()
    expect(backend.writes).toHaveLength(0)
  })

  it('save() sees every kind of deep change', async () => {
    const { backend, pt } = await opened('{"a":{"b":[3,1,{"c":0}],"d":1}}')
    const edits = [
      () => (pt.a.b[2].c = 1),
      () => pt.a.b.push(4),
      () => pt.a.b.splice(0, 1),
      () => pt.a.b.reverse(),
      () => delete pt.a.d,
      () => (pt.a.b.length = 1),
      () => (pt.a.b.length = 0),
      () => pt.remove('a'),
    ]
    for (const [index, edit] of edits.entries()) {
      edit()
      await pt.save()
      expect(backend.writes).toHaveLength(index + 1)
      expect(JSON.parse(backend.text ?? '')).toEqual(JSON.parse(JSON.stringify(pt)))
    }
    expect(backend.text).toBe('{}')
  })

  it('$status tells that something is unsaved: what was changed, is under way, or was called dirty', async () => {
    const { backend, pt } = await opened('{"n":1}', { auto: false })
    const unsaved = () => 'unsaved' in pt.$status && pt.$status.unsaved
    expect(unsaved()).toBe(false)
    pt.n = 2
    expect(unsaved()).toBe(true)
    const save = pt.save()
    const write = await backend.nth(1)
    // It is held, and may not stay so.
    backend.landed()
    expect(unsaved()).toBe(true)
    write.land()
    await save
    expect(unsaved()).toBe(false)
    pt.dirty()
    expect(unsaved()).toBe(true)
  })

  it('save() has nothing to wait for where nothing has changed, also without a link', async () => {
    const { backend, pt } = await opened('{"n":1}')
    backend.offline()
    await pt.save()
    expect(backend.writes).toEqual([])
  })

  it('save() waits for the answer to a write that is held, though nothing has changed since', async () => {
    const { backend, pt } = await opened('{"n":1}', { auto: false })
    pt.n = 2
    void pt.save()
    const write = await backend.nth(1)
    backend.landed()
    let isSaved = false
    const save = pt.save().then(() => {
      isSaved = true
    })
    await new Promise(setImmediate)
    expect(isSaved).toBe(false)
    write.land()
    await save
  })

  it('save() sends after dirty() even if nothing has changed, once', async () => {
    const { backend, pt } = await opened('{"a":1}')
    pt.dirty()
    expect(pt.$status).toMatchObject({ unsaved: true })
    await pt.save()
    await pt.save()
    expect(backend.writes.map((write) => write.text)).toEqual(['{"a":1}'])
  })

  it('save() has one write in flight, and one next with the newest values', async () => {
    const { backend, pt } = await opened(null, { auto: false })
    pt.n = 1
    const first = pt.save()
    const order: string[] = []
    void first.then(() => order.push('first'))
    for (pt.n = 2; pt.n < 1000; pt.n++) void pt.save().then(() => pt.n === 1000 && order.push('next'))
    const last = pt.save()
    expect(backend.writes).toHaveLength(1)
    ;(await backend.nth(1)).land()
    await first
    const second = await backend.nth(2)
    expect(second.text).toBe('{"n":1000}')
    second.land()
    await last
    expect(backend.writes).toHaveLength(2)
    expect(order[0]).toBe('first')
    expect(order.filter((what) => what === 'next')).toHaveLength(998)
  })

  it('save() sends again what has gone back to the confirmed value while another one was in flight', async () => {
    const { backend, pt } = await opened('{"a":1}', { auto: false })
    pt.a = 2
    const first = pt.save()
    pt.a = 1
    const second = pt.save()
    ;(await backend.nth(1)).land()
    await first
    ;(await backend.nth(2)).land()
    await second
    expect(backend.text).toBe('{"a":1}')
  })

  it('save() waits for the write in flight when that has all there is', async () => {
    const { backend, pt } = await opened(null, { auto: false })
    pt.n = 1
    const first = pt.save()
    const second = pt.save()
    ;(await backend.nth(1)).land()
    await Promise.all([first, second])
    expect(backend.writes).toHaveLength(1)
  })

  it('a save that failed is kept, and the next one sends it', async () => {
    const { backend, pt, told } = await opened(null, { auto: false })
    pt.n = 1
    const denied = pt.save()
    ;(await backend.nth(1)).fail('ERR_PERSIST_DENIED')
    await expect(denied).rejects.toMatchObject({ code: 'ERR_PERSIST_DENIED' })
    expect(told.error.map((error) => error.code)).toEqual(['ERR_PERSIST_DENIED'])
    const again = pt.save()
    ;(await backend.nth(2)).land()
    await again
    expect(backend.text).toBe('{"n":1}')
  })

  it('save() sends old values again after a failure that may have written the new ones', async () => {
    const { backend, pt } = await opened('{"n":1}', { auto: false })
    pt.n = 2
    const late = pt.save()
    ;(await backend.nth(1)).fail('ERR_PERSIST_TIMEOUT')
    await expect(late).rejects.toThrow()
    pt.n = 1
    const back = pt.save()
    ;(await backend.nth(2)).land()
    await back
    expect(backend.text).toBe('{"n":1}')
  })

  it('save() goes on when the link is back, with the newest values only', async () => {
    const { backend, pt } = await opened('{"n":0}', { auto: false })
    pt.n = 1
    const saved = pt.save()
    const first = await backend.nth(1)
    backend.offline()
    first.fail('ERR_PERSIST_CONNECT')
    expect(pt.$status.state).toBe('offline')
    pt.n = 2
    const later = pt.save()
    backend.online()
    const second = await backend.nth(2)
    expect(second.text).toBe('{"n":2}')
    second.land()
    await Promise.all([saved, later])
    expect(pt.$status).toMatchObject({ state: 'ready', unsaved: false })
  })

  it('save() rejects in time when there is no link, and the store saves when it is back', async () => {
    const { backend, pt, told } = await opened('{"n":0}', { saveTimeoutMs: 30 })
    backend.offline()
    pt.n = 1
    await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_TIMEOUT' })
    expect(told.error).toHaveLength(1)
    const saved = new Promise((resolve) => pt.$on('save', resolve))
    backend.online()
    await saved
    expect(backend.text).toBe('{"n":1}')
  })

  it('save() writes again what another writer made superfluous', async () => {
    const { backend, pt } = await opened(null, { auto: false })
    pt.mine = 1
    const saved = pt.save()
    const first = await backend.nth(1)
    backend.foreign('{"theirs":1}')
    first.land('superseded')
    const second = await backend.nth(2)
    expect(JSON.parse(second.text)).toEqual({ mine: 1, theirs: 1 })
    second.land()
    await saved
  })

  it('save() absorbs a million unawaited calls with a few writes', async () => {
    const { backend, pt } = await opened()
    for (let n = 1; n <= 1_000_000; n++) {
      pt.n = n
      void pt.save()
    }
    await pt.save()
    expect(backend.text).toBe('{"n":1000000}')
    expect(backend.writes.length).toBeLessThan(5)
  })

  it('save() refuses a pool over maxBytes before it is sent, naming the largest variables', async () => {
    const { backend, pt } = await opened(null, { maxBytes: 50 })
    pt.small = 1
    pt.large = 'x'.repeat(60)
    const tooLarge = { code: 'ERR_PERSIST_TOO_LARGE', limitBytes: 50, message: expect.stringContaining('"large" (62)') }
    await expect(pt.save()).rejects.toMatchObject(tooLarge)
    pt.large = ''
    await pt.save()
    expect(backend.writes).toHaveLength(1)
  })
})

describe('by itself', () => {
  it('saveEvery saves if something has changed; less than 5 turns it off', async () => {
    vi.useFakeTimers()
    const { backend, pt } = await opened(null, { saveEvery: 60 })
    await vi.advanceTimersByTimeAsync(120_000)
    expect(backend.writes).toHaveLength(0)
    pt.n = 1
    await vi.advanceTimersByTimeAsync(60_000)
    expect(backend.writes).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(backend.writes).toHaveLength(1)
    pt.saveEvery(5.5)
    pt.n = 2
    await vi.advanceTimersByTimeAsync(5499)
    expect(backend.writes).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(backend.writes).toHaveLength(2)
    pt.saveEvery(4)
    pt.n = 3
    await vi.advanceTimersByTimeAsync(600_000)
    expect(backend.writes).toHaveLength(2)
  })

  it('saveEvery may be called before the variables are here', async () => {
    vi.useFakeTimers()
    const backend = new HeldBackend()
    const pt = backend.openers.createStore({ name: 'early', saveOnExit: false })
    pt.saveEvery(10)
    await pt.exec(() => (pt.n = 1))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(backend.text).toBe('{"n":1}')
  })

  it('autosave saves a while after the last change, and at the latest after maxDelayMs', async () => {
    vi.useFakeTimers()
    const { backend, pt } = await opened(null, { autosave: { delayMs: 100, maxDelayMs: 250 } })
    pt.n = 1
    await vi.advanceTimersByTimeAsync(99)
    expect(backend.writes).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(backend.text).toBe('{"n":1}')
    const started = Date.now()
    while (backend.writes.length < 2 && Date.now() - started < 1000) {
      pt.n += 1
      await vi.advanceTimersByTimeAsync(50)
    }
    expect(Date.now() - started).toBe(250)
  })
})
