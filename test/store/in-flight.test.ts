import { describe, expect, it, vi } from 'vitest'
import { carriedAlong } from '../helpers/bytes.ts'
import { opened } from '../helpers/opened-store.ts'

describe('while a write is in flight', () => {
  it('values that come back to what was confirmed are sent after the write in flight', async () => {
    const { backend, pt } = await opened('{"n":1,"list":[1]}', { auto: false })
    pt.n = 2
    pt.list.push(2)
    const first = pt.save()
    pt.n = 1
    pt.list.pop()
    expect(pt.$status).toMatchObject({ unsaved: true })
    const back = pt.save()
    ;(await backend.nth(1)).land()
    await first
    ;(await backend.nth(2)).land()
    await back
    expect(backend.text).toBe('{"n":1,"list":[1]}')
    expect(pt.$status).toMatchObject({ unsaved: false })
  })

  it('a new variable that is removed again while its write is in flight is removed after it', async () => {
    const { backend, pt } = await opened('{}', { auto: false })
    pt.n = 1
    void pt.save()
    delete pt.n
    const removed = pt.save()
    ;(await backend.nth(1)).land()
    ;(await backend.nth(2)).land()
    await removed
    expect(backend.text).toBe('{}')
  })

  it('autosave sees a change that takes back what is under way', async () => {
    vi.useFakeTimers()
    const { backend, pt } = await opened('{"n":1}', { auto: false, autosave: { delayMs: 10 } })
    pt.n = 2
    await vi.advanceTimersByTimeAsync(10)
    pt.n = 1
    await vi.advanceTimersByTimeAsync(10)
    expect(backend.writes).toHaveLength(1)
    backend.writes[0]?.land()
    await vi.advanceTimersByTimeAsync(10)
    expect(backend.writes.map(({ text }) => text)).toEqual(['{"n":2}', '{"n":1}'])
    vi.useRealTimers()
  })

  it('what the rejection of a write leaves open is sent even if nothing has changed since', async () => {
    const { backend, pt } = await opened('{"n":1}', { auto: false })
    pt.n = 2
    const late = pt.save()
    pt.n = 1
    ;(await backend.nth(1)).fail('ERR_PERSIST_TIMEOUT')
    await expect(late).rejects.toThrow()
    const saved = pt.save()
    ;(await backend.nth(2)).land()
    await saved
    expect(backend.text).toBe('{"n":1}')
  })

  it('what somebody else has just written in the place of our write is not written again', async () => {
    const { backend, pt } = await opened('{"n":1}', { auto: false })
    pt.n = 2
    const saved = pt.save()
    const write = await backend.nth(1)
    backend.foreign('{"n":2}')
    write.land('superseded')
    await saved
    expect(backend.writes).toHaveLength(1)
    expect(pt.$status).toMatchObject({ unsaved: false })
  })

  it('a later edit of somebody else is no conflict with an earlier one that was only passed on', async () => {
    const { backend, pt, told } = await opened('{"n":1}', { auto: false })
    pt.n = 2
    void pt.save()
    backend.foreign('{"n":1,"theirs":1}')
    // Lands over it, and is followed by the merge, over which they write again.
    ;(await backend.nth(1)).land()
    const merge = await backend.nth(2)
    backend.foreign('{"n":2,"theirs":5}')
    merge.land()
    ;(await backend.nth(3)).land()
    expect(JSON.parse(backend.text as string)).toEqual({ n: 2, theirs: 5 })
    expect([pt.theirs, told.conflict]).toEqual([5, []])
  })

  it('a later edit of somebody else is no conflict with a change of ours that has given way to an earlier one', async () => {
    const { backend, pt, told } = await opened('{"n":1}', { auto: false, onConflict: 'remote' })
    pt.n = 2
    void pt.save()
    backend.foreign('{"n":3}')
    backend.foreign('{"n":4}')
    expect([pt.n, told.conflict.length]).toEqual([4, 1])
  })

  it('what somebody makes of a write that was held, before that is answered, stays, and is nothing to save', async () => {
    const { backend, pt } = await opened('{"n":1}', { auto: false })
    pt.n = 2
    const save = pt.save()
    const write = await backend.nth(1)
    backend.landed()
    backend.foreign(carriedAlong(write.payload, '{"n":5}'))
    write.land()
    await save
    expect([pt.n, backend.writes.length]).toEqual([5, 1])
    expect(pt.$status).toMatchObject({ unsaved: false })
  })

  it('closing waits for the merge with what the write in flight landed over', async () => {
    const { backend, pt } = await opened('{"n":0}', { auto: false })
    pt.n = 1
    const closing = pt.$close()
    const write = await backend.nth(1)
    backend.foreign('{"n":0,"theirs":1}')
    write.land()
    const merge = await backend.nth(2)
    expect(backend.isClosed).toBe(false)
    merge.land()
    await closing
    expect(backend.isClosed).toBe(true)
    expect(JSON.parse(backend.text as string)).toEqual({ n: 1, theirs: 1 })
  })

  it('closing that takes too long rejects, is told, and lets go', async () => {
    const { backend, pt, told } = await opened('{"n":0}', { auto: false, saveTimeoutMs: 20 })
    pt.n = 1
    const saved = pt.save()
    await expect(pt.$close()).rejects.toMatchObject({ code: 'ERR_PERSIST_TIMEOUT' })
    await expect(saved).rejects.toMatchObject({ code: 'ERR_PERSIST_CLOSED' })
    expect([told.error[0]?.code, told.error.length, backend.isClosed, pt.$status.state, pt.n]).toEqual([
      'ERR_PERSIST_TIMEOUT',
      1,
      true,
      'closed',
      1,
    ])
    // Too late: nobody waits for it any more, and nothing follows.
    backend.foreign('{"n":0,"theirs":1}')
    backend.writes[0]?.land()
    await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_CLOSED' })
    expect(backend.writes).toHaveLength(1)
  })
})

describe('a link that comes back', () => {
  it('a write of ours that had timed out and was replaced since is no edit of somebody else when the link comes back', async () => {
    const { backend, pt } = await opened('{"n":0}', { auto: false })
    pt.n = 1
    const late = pt.save()
    const write = await backend.nth(1)
    write.fail('ERR_PERSIST_TIMEOUT')
    await expect(late).rejects.toThrow()
    backend.auto = true
    pt.n = 2
    await pt.save()
    backend.offline()
    const healed = new Promise((resolve) => pt.$on('heal', resolve))
    backend.online(write.payload)
    expect(await healed).toEqual({ reason: 'lost' })
    expect([pt.n, backend.text]).toEqual([2, '{"n":2}'])
  })

  it('one of thousands of older pools is recognised when the link comes back with it', async () => {
    const { backend, pt } = await opened('{"n":0}', { auto: false })
    backend.auto = true
    for (let n = 1; n <= 4000; n++) {
      pt.n = n
      await pt.save()
    }
    backend.offline()
    backend.online(backend.writes[6]?.payload)
    await pt.save()
    expect([pt.n, backend.text]).toEqual([4000, '{"n":4000}'])
  })
})

it('variables that somebody else adds and removes leave nothing to save', async () => {
  const { backend, pt } = await opened('{"n":1}', { auto: false })
  for (const text of ['{"n":1,"m":[2]}', '{"n":1}', '{"m":3}', '{}', '{"n":1}']) {
    backend.foreign(text)
    expect({ ...pt }).toEqual(JSON.parse(text))
    expect(pt.$status).toMatchObject({ unsaved: false })
    await pt.save()
  }
  expect(backend.writes).toHaveLength(0)
})

it('no rejection of an unawaited save reaches the process', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  const { backend, pt, told } = await opened('{"n":0}', { auto: false, saveTimeoutMs: 20, maxBytes: 100 })
  pt.n = 1
  void pt.save()
  void pt.save()
  ;(await backend.nth(1)).fail('ERR_PERSIST_DENIED')
  pt.n = 'x'.repeat(200)
  void pt.save()
  await vi.waitFor(() => expect(told.error).toHaveLength(2))
  backend.offline()
  pt.n = 2
  void pt.save()
  await vi.waitFor(() => expect(told.error).toHaveLength(3))
  await pt.$close().catch(() => {})
  void pt.save()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
  expect(told.error.map(({ code }) => code)).toEqual(
    ['DENIED', 'TOO_LARGE', 'TIMEOUT', 'TIMEOUT', 'CLOSED'].map((code) => `ERR_PERSIST_${code}`),
  )
})
