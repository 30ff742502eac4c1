import { describe, expect, it, onTestFinished } from 'vitest'
import type { EditRequest, PersistError, Store, StoreOptions } from '../../src/index.ts'
import { bytesOf, HeldBackend } from '../helpers/held-backend.ts'

async function owned(backend: HeldBackend, options: StoreOptions = {}) {
  const pt = await backend.openers.openStore({ name: 'garage', saveOnExit: false, ...options })
  onTestFinished(() => {
    backend.auto = true
    for (const write of backend.writes) write.land()
    return pt.$close().catch(() => {})
  })
  return { pt, errors: errorsOf(pt) }
}

function errorsOf(pt: Store): PersistError[] {
  const errors: PersistError[] = []
  pt.$on('error', (error) => errors.push(error))
  return errors
}

type Answer = { ok: boolean; values?: object; error?: { code: string; message: string } }

/** What an editor asks a store that is being opened, open or closed. */
async function ask(backend: HeldBackend, kind: EditRequest['kind'], text: string, isAnswered = true): Promise<Answer> {
  const answer = await backend.listener.requested({ kind, bytes: bytesOf(text), isAnswered })
  return JSON.parse(new TextDecoder().decode(answer))
}

const refused = (code: string) => ({ ok: false, error: { code: `ERR_PERSIST_${code}` } })

describe('what editors ask a store for', () => {
  it('is no change where it is so already: nobody is told, and nothing sent', async () => {
    const backend = new HeldBackend('{"n":1,"map":{"a":1,"b":2}}')
    const { pt } = await owned(backend)
    const changes: string[] = []
    pt.$on('change', ({ name }) => changes.push(name))
    expect(await ask(backend, 'patch', '{"map":{"b":2},"gone":null,"n":1}')).toEqual({ ok: true })
    expect(await ask(backend, 'increment', '{"n":0}')).toEqual({ ok: true, values: { n: 1 } })
    expect([changes, backend.writes.length]).toEqual([[], 0])
  })

  it('is done at once and in order, and answered when it is saved', async () => {
    const backend = new HeldBackend('{"n":1}', { auto: false })
    const { pt } = await owned(backend)
    const answers: string[] = []
    const note = (name: string) => () => void answers.push(name)
    const all = [
      ask(backend, 'increment', '{"n":2}').then(note('first')),
      ask(backend, 'patch', '{"n":10}').then(note('second')),
      ask(backend, 'increment', '{"n":5}').then(note('third')),
    ]
    expect(pt.n).toBe(15)
    const first = await backend.nth(1)
    // Composed at the first of them, the others are in the next write.
    expect([first.text, answers]).toEqual(['{"n":3}', []])
    first.land()
    await all[0]
    const second = await backend.nth(2)
    expect(answers).toEqual(['first'])
    second.land()
    await Promise.all(all)
    expect([second.text, answers]).toEqual(['{"n":15}', ['first', 'second', 'third']])
  })

  it('is assigned as a whole: null is a value, maps are not merged', async () => {
    const backend = new HeldBackend('{"n":1,"map":{"a":1},"other":1}')
    const { pt } = await owned(backend)
    expect(await ask(backend, 'assign', '{"n":null,"map":{"b":null}}')).toEqual({ ok: true })
    expect({ ...pt }).toEqual({ n: null, map: { b: null }, other: 1 })
    expect(await ask(backend, 'assign', '[1]')).toMatchObject(refused('BAD_PAYLOAD'))
  })

  it('is the whole pool, but for its version', async () => {
    const backend = new HeldBackend('{"n":1,"$version":3,"save":5,"other":1}')
    const { pt } = await owned(backend)
    expect(await ask(backend, 'replace', '{"n":2,"$version":3,"save":5}')).toEqual({ ok: true })
    expect(JSON.parse(backend.text ?? '')).toEqual({ n: 2, $version: 3, save: 5 })
    expect(await ask(backend, 'replace', '{"n":3,"$version":4}')).toMatchObject(refused('RESERVED_NAME'))
    expect(await ask(backend, 'replace', '{"n":3,"save":6}')).toMatchObject(refused('RESERVED_NAME'))
    expect(await ask(backend, 'replace', '{}')).toEqual({ ok: true })
    expect([Object.keys(pt), backend.text]).toEqual([['$version'], '{"$version":3}'])
  })

  it("comes as changes of somebody else's, after the program's own", async () => {
    const backend = new HeldBackend('{"own":1,"gone":1}')
    const { pt } = await owned(backend)
    const changes: unknown[] = []
    pt.$on('change', ({ name, value, origin }) => changes.push([name, value, origin]))
    pt.own = 2
    await ask(backend, 'patch', '{"theirs":{"a":1},"gone":null,"own":3}')
    expect(changes).toEqual([
      ['own', 2, 'local'],
      ['theirs', { a: 1 }, 'remote'],
      ['gone', undefined, 'remote'],
      ['own', 3, 'remote'],
    ])
  })

  it('and before what the program makes of it', async () => {
    const backend = new HeldBackend('{"own":1}')
    const { pt } = await owned(backend)
    const changes: unknown[] = []
    pt.$on('change', ({ name, value, origin }) => changes.push([name, value, origin]))
    const answer = ask(backend, 'patch', '{"own":2}')
    pt.own = 3
    await answer
    expect(changes).toEqual([
      ['own', 2, 'remote'],
      ['own', 3, 'local'],
    ])
  })

  it.each([
    ['what is asked for', ['{"own":2}'], { own: 2 }],
    ['what is asked for and taken back', ['{"own":2}', '{"own":1}'], { own: 1 }],
  ])('%s does not give way to what somebody writes before it is saved', async (_what, patches, held) => {
    const backend = new HeldBackend('{"own":1}', { auto: false })
    const { pt } = await owned(backend)
    pt.other = 1
    void pt.save()
    const first = await backend.nth(1)
    const answers = patches.map((patch) => ask(backend, 'patch', patch))
    pt.other = 2
    void pt.save()
    first.land()
    const second = await backend.nth(2)
    backend.foreign('{"own":7,"other":1}')
    backend.auto = true
    second.land('overwritten')
    await Promise.all(answers)
    expect(JSON.parse(backend.text ?? '')).toEqual({ ...held, other: 2 })
  })

  it('is edited by the program like all that is its own', async () => {
    const backend = new HeldBackend('{}')
    const { pt } = await owned(backend)
    await ask(backend, 'patch', '{"list":[1],"map":{"a":{}}}')
    ;(pt.list as number[]).push(2)
    ;(pt.map as { a: { b?: number } }).a.b = 1
    await pt.save()
    expect(backend.text).toBe('{"list":[1,2],"map":{"a":{"b":1}}}')
    await ask(backend, 'patch', '{"map":{"a":{"c":2}}}')
    expect(backend.text).toBe('{"list":[1,2],"map":{"a":{"b":1,"c":2}}}')
  })

  it('is kept where somebody else writes the pool without it', async () => {
    const backend = new HeldBackend('{"a":1}', { auto: false })
    await owned(backend)
    const answered = ask(backend, 'patch', '{"b":2}')
    const first = await backend.nth(1)
    backend.foreign('{"a":5}')
    first.land('superseded')
    const second = await backend.nth(2)
    expect(JSON.parse(second.text)).toEqual({ a: 5, b: 2 })
    second.land()
    expect(await answered).toEqual({ ok: true })
  })

  it('that changes nothing is answered without a write', async () => {
    const backend = new HeldBackend('{"a":1}')
    await owned(backend)
    for (const patch of ['{}', '{"a":1}', '{"b":null}'])
      expect(await ask(backend, 'patch', patch)).toEqual({ ok: true })
    expect(backend.writes).toEqual([])
  })

  it.each([
    ['a reserved name', 'patch', '{"a":2,"save":2}', 'RESERVED_NAME'],
    ['the version removed', 'patch', '{"a":2,"$version":null}', 'RESERVED_NAME'],
    ['an integer too large', 'patch', '{"a":2,"b":4294967296}', 'NOT_STORABLE'],
    ['a NUL', 'patch', '{"a":2,"b":[{"c":"\\u0000"}]}', 'NOT_STORABLE'],
    ['too much', 'patch', `{"a":2,"b":"${'x'.repeat(300)}"}`, 'TOO_LARGE'],
    ['too deep', 'patch', `{"a":2,"b":${'['.repeat(2000)}${']'.repeat(2000)}}`, 'BAD_PAYLOAD'],
    ['a sum too large', 'increment', '{"a":1,"max":1}', 'NOT_STORABLE'],
    ['a list', 'increment', '{"a":1,"list":1}', 'NOT_STORABLE'],
    ['null', 'increment', '{"a":1,"null":1}', 'NOT_STORABLE'],
    ['the version', 'increment', '{"a":1,"$version":1}', 'RESERVED_NAME'],
    ['a text to add', 'increment', '{"a":1,"b":"1"}', 'BAD_PAYLOAD'],
  ] as const)('all or nothing of it is done: %s', async (_what, kind, text, code) => {
    const before = '{"$version":1,"a":1,"max":2147483647,"list":[],"null":null}'
    const backend = new HeldBackend(before)
    const { pt, errors } = await owned(backend, { compat: 'tasmota', maxBytes: 300, version: 1 })
    expect(await ask(backend, kind, text)).toMatchObject(refused(code))
    expect(JSON.stringify(pt)).toBe(before)
    expect([pt.$status, errors, backend.writes]).toMatchObject([{ unsaved: false }, [], []])
    // The owner can still be asked, and save.
    expect(await ask(backend, 'increment', '{"a":1}')).toEqual({ ok: true, values: { a: 2 } })
  })

  it('is an event where it is refused and nobody waits for the answer', async () => {
    const backend = new HeldBackend('{}')
    const { errors } = await owned(backend)
    await ask(backend, 'patch', 'nonsense', false)
    expect(errors).toMatchObject([{ code: 'ERR_PERSIST_BAD_PAYLOAD', bytes: bytesOf('nonsense') }])
  })

  it('that was done and could not be saved is one event, and an answer that says both', async () => {
    const backend = new HeldBackend('{"a":1}', { auto: false })
    const { pt, errors } = await owned(backend)
    const answered = ask(backend, 'patch', '{"a":2}', false)
    ;(await backend.nth(1)).fail('ERR_PERSIST_DENIED')
    const answer = await answered
    expect(answer).toMatchObject(refused('DENIED'))
    expect(answer.error?.message).toMatch(/^The owner has made the change, but it is not confirmed: /)
    expect(errors).toMatchObject([{ code: 'ERR_PERSIST_DENIED' }])
    expect([pt.a, pt.$status]).toMatchObject([2, { unsaved: true }])
  })

  it('a long name does not make a long message', async () => {
    const backend = new HeldBackend('{}')
    await owned(backend)
    const { error } = await ask(backend, 'increment', `{"${'n'.repeat(100_000)}":"1"}`)
    expect(error?.message.length).toBeLessThan(1100)
  })

  it('a name that every object has is a variable of its own', async () => {
    const backend = new HeldBackend('{}')
    const { pt } = await owned(backend)
    expect(await ask(backend, 'increment', '{"toString":1}')).toEqual({ ok: true, values: { toString: 1 } })
    expect(await ask(backend, 'patch', '{"a":{"__proto__":{"polluted":1}}}')).toEqual({ ok: true })
    expect(backend.text).toBe('{"toString":1,"a":{"__proto__":{"polluted":1}}}')
    expect((pt.a as { polluted?: number }).polluted).toBeUndefined()
  })
})

describe('a store that cannot do it now', () => {
  it('waits until the pool is here, and keeps the order', async () => {
    const backend = new HeldBackend('{"n":1}')
    const opened = backend.open.bind(backend)
    const answers: Promise<Answer>[] = []
    backend.open = async (listener) => {
      const held = await opened(listener)
      for (const by of [1, 2, 3]) answers.push(ask(backend, 'increment', `{"n":${by}}`))
      return held
    }
    await owned(backend)
    answers.push(ask(backend, 'increment', '{"n":10}'))
    expect((await Promise.all(answers)).map(({ values }) => values)).toEqual([{ n: 2 }, { n: 4 }, { n: 7 }, { n: 17 }])
  })

  it('that waits for a pool says so, also of what was asked before that was known', async () => {
    const backend = new HeldBackend(null)
    const opened = backend.open.bind(backend)
    const answers: Promise<Answer>[] = []
    backend.open = async (listener) => {
      const held = await opened(listener)
      answers.push(ask(backend, 'patch', '{"a":1}'))
      return held
    }
    const pt = backend.openers.createStore({ name: 'garage', empty: 'wait', saveOnExit: false })
    await new Promise<void>((resolve) => pt.$on('status', ({ state }) => state === 'waiting' && resolve()))
    answers.push(ask(backend, 'patch', '{"a":2}'))
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject(refused('NOT_READY'))
    await pt.zero()
    expect(await ask(backend, 'patch', '{"a":3}')).toEqual({ ok: true })
    expect(backend.text).toBe('{"a":3}')
    await pt.$close()
  })

  it('that only reads, or was taken over, says so', async () => {
    const backend = new HeldBackend('{}')
    const { pt } = await owned(backend, { readOnly: true })
    expect(await ask(backend, 'patch', '{"a":1}')).toMatchObject(refused('READ_ONLY'))
    expect(JSON.stringify(pt)).toBe('{}')
  })

  it('that is being closed leaves to the next owner what it has not begun', async () => {
    const backend = new HeldBackend('{"n":1}', { auto: false })
    const { pt } = await owned(backend)
    const before = ask(backend, 'increment', '{"n":1}')
    const closed = pt.$close()
    const after = ask(backend, 'increment', '{"n":1}')
    ;(await backend.nth(1)).land()
    await closed
    expect(await before).toEqual({ ok: true, values: { n: 2 } })
    expect(await after).toMatchObject(refused('CLOSED'))
    expect([backend.text, backend.writes.length]).toEqual(['{"n":2}', 1])
    expect(await ask(backend, 'increment', '{"n":1}')).toMatchObject(refused('CLOSED'))
  })

  it('and could not save before it was closed does not say that it has not done it', async () => {
    const backend = new HeldBackend('{"n":1}', { auto: false })
    const { pt } = await owned(backend, { saveTimeoutMs: 50 })
    const answered = ask(backend, 'increment', '{"n":1}')
    await expect(pt.$close()).rejects.toMatchObject({ code: 'ERR_PERSIST_TIMEOUT' })
    expect(await answered).toMatchObject(refused('TIMEOUT'))
  })
})
