import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { heard, opened } from '../helpers/opened-store.ts'

afterEach(() => void vi.useRealTimers())

describe("'change'", () => {
  it("'change' tells each variable once a microtask, with what it was and what it is, frozen", async () => {
    const { pt } = await opened('{"n":1,"list":[{"a":1}],"gone":1}')
    const changes = heard(pt, 'change')
    pt.n = 2
    pt.n = 3
    pt.list[0].a = 2
    pt.list.push(4)
    delete pt.gone
    pt.fresh = { x: [] }
    expect(changes).toEqual([])
    await Promise.resolve()
    expect(changes).toEqual([
      { name: 'n', value: 3, previous: 1, origin: 'local' },
      { name: 'list', value: [{ a: 2 }, 4], previous: [{ a: 1 }], origin: 'local' },
      { name: 'gone', value: undefined, previous: 1, origin: 'local' },
      { name: 'fresh', value: { x: [] }, previous: undefined, origin: 'local' },
    ])
    const { value, previous } = changes[1] as { value: unknown; previous: unknown }
    expect(value).toBe(pt.$snapshot().list)
    expect(() => (value as number[]).push(1)).toThrow(TypeError)
    expect(() => Object.assign((previous as object[])[0] as object, { a: 5 })).toThrow(TypeError)
  })

  it("'change' tells nothing that goes and comes back meanwhile, and nothing that happened before anybody listened", async () => {
    const { pt } = await opened('{"n":1}')
    const changes: unknown[] = []
    const listen = () => pt.$on('change', (change) => changes.push(change))
    pt.n = 2
    const stop = listen()
    pt.n = 3
    pt.n = 2
    await Promise.resolve()
    expect(changes).toEqual([])
    stop()
    pt.n = 4
    await Promise.resolve()
    listen()
    pt.n = 5
    await Promise.resolve()
    expect(changes).toEqual([{ name: 'n', value: 5, previous: 4, origin: 'local' }])
  })

  it("'change' tells what a listener changes in its turn", async () => {
    const { pt } = await opened()
    const changes = heard(pt, 'change')
    pt.$on('change', ({ name, value }) => {
      if (name === 'celsius') pt.fahrenheit = (value as number) * 1.8 + 32
    })
    pt.celsius = 20
    await Promise.resolve()
    await Promise.resolve()
    expect(changes.map(({ name, value }) => [name, value])).toEqual([
      ['celsius', 20],
      ['fahrenheit', 68],
    ])
  })

  it('what a listener changes of a variable that is still to come is told once, with the newest value', async () => {
    const { pt } = await opened('{"a":1,"b":1}')
    const changes = heard(pt, 'change')
    let updates = 0
    pt.$subscribe(() => (updates += 1))
    pt.$on('change', ({ name }) => {
      if (name === 'a') pt.b = 3
    })
    pt.a = 2
    pt.b = 2
    await Promise.resolve()
    await Promise.resolve()
    expect(changes.map(({ name, value }) => [name, value])).toEqual([
      ['a', 2],
      ['b', 3],
    ])
    expect(updates).toBe(1)
  })

  it('a listener that throws stops nobody else', async () => {
    const { pt } = await opened()
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
    const listeners = process.listeners('uncaughtException')
    // The test runner's own would take it for a failure.
    for (const other of listeners.slice(0, -1)) process.off('uncaughtException', other)
    pt.$on('change', () => {
      throw new Error('mine')
    })
    const changes = heard(pt, 'change')
    pt.n = 1
    await pt.save()
    expect(await uncaught).toMatchObject({ message: 'mine' })
    for (const other of listeners.slice(0, -1)) process.on('uncaughtException', other)
    expect(changes).toHaveLength(1)
  })

  it('a listener that is taken off leaves nothing behind', async () => {
    const { pt } = await opened()
    let told = 0
    for (let round = 0; round < 1000; round++) {
      pt.$on('change', () => told++)()
      pt.$subscribe(() => told++)()
    }
    pt.n = 1
    await Promise.resolve()
    expect(told).toBe(0)
  })
})

describe('$subscribe', () => {
  it('$subscribe tells after each round of changes, by when the snapshot is another', async () => {
    const { backend, pt } = await opened('{"n":1,"same":{"x":1}}')
    const shown = [pt.$snapshot()]
    const stop = pt.$subscribe(() => shown.push(pt.$snapshot()))
    pt.n = 2
    pt.m = 1
    await Promise.resolve()
    backend.foreign('{"n":1,"same":{"x":1},"theirs":1}')
    await Promise.resolve()
    stop()
    pt.n = 9
    await Promise.resolve()
    expect(shown).toEqual([
      { n: 1, same: { x: 1 } },
      { n: 2, m: 1, same: { x: 1 } },
      { n: 2, m: 1, same: { x: 1 }, theirs: 1 },
    ])
    expect(new Set(shown.map(({ same }) => same)).size).toBe(1)
    expect(pt.$snapshot()).toBe(pt.$snapshot())
  })
})

describe('timers', () => {
  it('saveEvery takes any number of seconds from 5', async () => {
    vi.useFakeTimers()
    const { backend, pt } = await opened('{"n":0}', { saveEvery: 5 })
    const savesIn = async (ms: number) => {
      pt.n += 1
      const before = backend.writes.length
      await vi.advanceTimersByTimeAsync(ms)
      return backend.writes.length - before
    }
    expect(await savesIn(5000)).toBe(1)
    for (const seconds of [4, 0, -1, Number.NaN]) {
      pt.saveEvery(seconds)
      expect(await savesIn(600_000)).toBe(0)
    }
    // Longer than a timer takes: not at once.
    pt.saveEvery(1e9)
    expect(await savesIn(600_000)).toBe(0)
    pt.saveEvery(Number.POSITIVE_INFINITY)
    expect(await savesIn(600_000)).toBe(0)
    await pt.$close()
  })

  it('saveEvery with less than 5 seconds says that it never saves', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => void warnings.push(warning)
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))
    const { pt } = await opened('{"n":0}', { saveEvery: 1 })
    pt.saveEvery(0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(warnings).toMatchObject([
      { code: 'WARN_PERSIST_SAVE_EVERY', message: expect.stringContaining('5 seconds or more') },
    ])
    await pt.$close()
  })

  it('autosave without maxDelayMs does not wait for ever for a pause', async () => {
    vi.useFakeTimers()
    const { backend, pt } = await opened('{"n":0}', { autosave: { delayMs: 100 } })
    for (let ms = 0; ms < 2000; ms += 50) {
      pt.n += 1
      await vi.advanceTimersByTimeAsync(50)
    }
    // Every 1000 ms, though the program never pauses for 100.
    expect(backend.writes.map(({ text }) => text)).toEqual(['{"n":20}', '{"n":40}'])
    await pt.$close()
  })

  it('autosave sends again what is not confirmed in time, though nothing changes any more', async () => {
    vi.useFakeTimers()
    const { backend, pt, told } = await opened('{"n":0}', { autosave: { delayMs: 100 } })
    backend.auto = false
    pt.n = 1
    await vi.advanceTimersByTimeAsync(100)
    backend.writes[0]?.fail('ERR_PERSIST_TIMEOUT')
    await vi.advanceTimersByTimeAsync(100)
    expect(backend.writes.map(({ text }) => text)).toEqual(['{"n":1}', '{"n":1}'])
    backend.writes[1]?.land()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([backend.text, backend.writes.length]).toEqual(['{"n":1}', 2])
    expect(told.error.map(({ code }) => code)).toEqual(['ERR_PERSIST_TIMEOUT'])
    await pt.$close()
  })

  it('autosave sends no more what is refused, until something changes', async () => {
    vi.useFakeTimers()
    const { backend, pt } = await opened('{"n":0}', { autosave: { delayMs: 100 } })
    backend.auto = false
    pt.n = 1
    await vi.advanceTimersByTimeAsync(100)
    backend.writes[0]?.fail('ERR_PERSIST_DENIED')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(backend.writes).toHaveLength(1)
    backend.auto = true
    pt.n = 2
    await vi.advanceTimersByTimeAsync(100)
    expect(backend.text).toBe('{"n":2}')
    await pt.$close()
  })

  it('autosave waits for the link where there is none, and says so once', async () => {
    vi.useFakeTimers()
    const { backend, pt, told } = await opened('{"n":0}', { autosave: { delayMs: 100 } })
    backend.offline()
    pt.n = 1
    await vi.advanceTimersByTimeAsync(600_000)
    expect(backend.writes).toEqual([])
    expect(told.error.map(({ code }) => code)).toEqual(['ERR_PERSIST_TIMEOUT'])
    backend.online()
    await vi.advanceTimersByTimeAsync(100)
    expect(backend.text).toBe('{"n":1}')
    await pt.$close()
  })

  it('closing ends the timers of autosave and saveEvery', async () => {
    vi.useFakeTimers()
    const { backend, pt } = await opened('{"n":0}', { autosave: { delayMs: 100 }, saveEvery: 5 })
    pt.n = 1
    await pt.$close()
    expect([backend.text, backend.writes.length]).toEqual(['{"n":1}', 1])
    await vi.advanceTimersByTimeAsync(60_000)
    expect([backend.writes.length, vi.getTimerCount()]).toEqual([1, 0])
  })
})
