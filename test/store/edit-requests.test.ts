import { describe, expect, it } from 'vitest'
import { bytesOf } from '../helpers/bytes.ts'
import { type EditAnswer, HeldBackend } from '../helpers/held-backend.ts'
import { heard, opened } from '../helpers/opened-store.ts'

const refused = (code: string) => ({ ok: false, error: { code: `ERR_PERSIST_${code}` } })

describe('what editors ask a store for', () => {
  it('a request for what is so already is no change: nobody is told, and nothing sent', async () => {
    const { backend, pt } = await opened('{"n":1,"map":{"a":1,"b":2}}')
    const changes = heard(pt, 'change')
    expect(await backend.request('patch', '{"map":{"b":2},"gone":null,"n":1}')).toEqual({ ok: true })
    expect(await backend.request('increment', '{"n":0}')).toEqual({ ok: true, values: { n: 1 } })
    expect([changes, backend.writes.length]).toEqual([[], 0])
  })

  it('requests are done at once and in order, and answered when they are saved', async () => {
    const { backend, pt } = await opened('{"n":1}', { auto: false })
    const answers: string[] = []
    const note = (name: string) => () => void answers.push(name)
    const all = [
      backend.request('increment', '{"n":2}').then(note('first')),
      backend.request('patch', '{"n":10}').then(note('second')),
      backend.request('increment', '{"n":5}').then(note('third')),
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

  it('numbers that JavaScript rounds keep their digits: those that are asked for, and those beside', async () => {
    const { backend } = await opened(
      '{"dev":{"serial":90071992547409931,"v":1.0,"name":"a"},"id":12345678901234567890}',
    )
    await backend.request('patch', '{"dev":{"name":"b"}}')
    expect(backend.text).toBe('{"dev":{"serial":90071992547409931,"v":1.0,"name":"b"},"id":12345678901234567890}')
    await backend.request('patch', '{"dev":{"serial":90071992547409933,"name":null},"new": [ 1.50 ]}')
    expect(backend.text).toBe('{"dev":{"serial":90071992547409933,"v":1.0},"id":12345678901234567890,"new":[1.50]}')
    // To JavaScript the same number.
    await backend.request('assign', '{"id":12345678901234567891,"dev":0,"new":0}')
    expect(backend.text).toBe('{"dev":0,"id":12345678901234567891,"new":0}')
    await backend.request('replace', '{"id":12345678901234567892,"m":{"none":null,"v":1.0}}')
    expect(backend.text).toBe('{"id":12345678901234567892,"m":{"none":null,"v":1.0}}')
  })

  it('an increment that JavaScript would round is refused', async () => {
    const { backend } = await opened('{"id":12345678901234567890,"n":9007199254740990}')
    for (const by of ['{"id":1}', '{"n":2}', '{"n":9007199254740993}']) {
      expect(await backend.request('increment', by)).toMatchObject(refused('NOT_STORABLE'))
    }
    expect(await backend.request('increment', '{"n":1}')).toEqual({ ok: true, values: { n: 9007199254740991 } })
    expect(backend.text).toBe('{"id":12345678901234567890,"n":9007199254740991}')
  })

  it("'assign' takes variables as a whole: null is a value, maps are not merged", async () => {
    const { backend, pt } = await opened('{"n":1,"map":{"a":1},"other":1}')
    expect(await backend.request('assign', '{"n":null,"map":{"b":null}}')).toEqual({ ok: true })
    expect({ ...pt }).toEqual({ n: null, map: { b: null }, other: 1 })
    expect(await backend.request('assign', '[1]')).toMatchObject(refused('BAD_PAYLOAD'))
  })

  it("'replace' takes the whole pool, but for its version", async () => {
    const { backend, pt } = await opened('{"n":1,"$version":3,"save":5,"other":1}')
    expect(await backend.request('replace', '{"n":2,"$version":3,"save":5}')).toEqual({ ok: true })
    expect(JSON.parse(backend.text ?? '')).toEqual({ n: 2, $version: 3, save: 5 })
    expect(await backend.request('replace', '{"n":3,"$version":4}')).toMatchObject(refused('RESERVED_NAME'))
    expect(await backend.request('replace', '{"n":3,"save":6}')).toMatchObject(refused('RESERVED_NAME'))
    expect(await backend.request('replace', '{}')).toEqual({ ok: true })
    expect([Object.keys(pt), backend.text]).toEqual([['$version'], '{"$version":3}'])
  })

  it("a request comes as changes of somebody else's, after the program's own", async () => {
    const { backend, pt } = await opened('{"own":1,"gone":1}')
    const changes: unknown[] = []
    pt.$on('change', ({ name, value, origin }) => changes.push([name, value, origin]))
    pt.own = 2
    await backend.request('patch', '{"theirs":{"a":1},"gone":null,"own":3}')
    expect(changes).toEqual([
      ['own', 2, 'local'],
      ['theirs', { a: 1 }, 'remote'],
      ['gone', undefined, 'remote'],
      ['own', 3, 'remote'],
    ])
  })

  it('the program edits what an editor has put in like all that is its own', async () => {
    const { backend, pt } = await opened('{}')
    await backend.request('patch', '{"list":[1],"map":{"a":{}}}')
    ;(pt.list as number[]).push(2)
    ;(pt.map as { a: { b?: number } }).a.b = 1
    await pt.save()
    expect(backend.text).toBe('{"list":[1,2],"map":{"a":{"b":1}}}')
    await backend.request('patch', '{"map":{"a":{"c":2}}}')
    expect(backend.text).toBe('{"list":[1,2],"map":{"a":{"b":1,"c":2}}}')
  })

  it('a requested change is kept where somebody else writes the pool without it', async () => {
    const { backend } = await opened('{"a":1}', { auto: false })
    const answered = backend.request('patch', '{"b":2}')
    const first = await backend.nth(1)
    backend.foreign('{"a":5}')
    first.land('superseded')
    const second = await backend.nth(2)
    expect(JSON.parse(second.text)).toEqual({ a: 5, b: 2 })
    second.land()
    expect(await answered).toEqual({ ok: true })
  })

  it('a patch that changes nothing is answered without a write', async () => {
    const { backend } = await opened('{"a":1}')
    for (const patch of ['{}', '{"a":1}', '{"b":null}'])
      expect(await backend.request('patch', patch)).toEqual({ ok: true })
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
  ] as const)('all or nothing of a request is done: %s', async (_what, kind, text, code) => {
    const before = '{"$version":1,"a":1,"max":2147483647,"list":[],"null":null}'
    const { backend, pt, told } = await opened(before, { compat: 'tasmota', maxBytes: 300, version: 1 })
    expect(await backend.request(kind, text)).toMatchObject(refused(code))
    expect(JSON.stringify(pt)).toBe(before)
    expect([pt.$status, told.error, backend.writes]).toMatchObject([{ unsaved: false }, [], []])
    // The owner can still be asked, and save.
    expect(await backend.request('increment', '{"a":1}')).toEqual({ ok: true, values: { a: 2 } })
  })

  it('a request that is refused is an event where nobody waits for the answer', async () => {
    const { backend, told } = await opened('{}')
    await backend.request('patch', 'nonsense', false)
    expect(told.error).toMatchObject([{ code: 'ERR_PERSIST_BAD_PAYLOAD', bytes: bytesOf('nonsense') }])
  })

  it('a request that was done and could not be saved is one event, and an answer that says both', async () => {
    const { backend, pt, told } = await opened('{"a":1}', { auto: false })
    const answered = backend.request('patch', '{"a":2}', false)
    ;(await backend.nth(1)).fail('ERR_PERSIST_DENIED')
    const answer = await answered
    expect(answer).toMatchObject(refused('DENIED'))
    expect(answer.error?.message).toMatch(/^The owner has made the change, but it is not confirmed: /)
    expect(told.error).toMatchObject([{ code: 'ERR_PERSIST_DENIED' }])
    expect([pt.a, pt.$status]).toMatchObject([2, { unsaved: true }])
  })

  it('a long name in a request does not make a long message', async () => {
    const { backend } = await opened('{}')
    const { error } = await backend.request('increment', `{"${'n'.repeat(100_000)}":"1"}`)
    expect(error?.message.length).toBeLessThan(1100)
  })

  it('a request for a name that every object has makes a variable of its own', async () => {
    const { backend, pt } = await opened('{}')
    expect(await backend.request('increment', '{"toString":1}')).toEqual({ ok: true, values: { toString: 1 } })
    expect(await backend.request('patch', '{"a":{"__proto__":{"polluted":1}}}')).toEqual({ ok: true })
    expect(backend.text).toBe('{"toString":1,"a":{"__proto__":{"polluted":1}}}')
    expect((pt.a as { polluted?: number }).polluted).toBeUndefined()
  })
})

describe('a store that cannot do it now', () => {
  it('requests wait until the pool is here, and keep their order', async () => {
    const backend = new HeldBackend('{"n":1}')
    const open = backend.open.bind(backend)
    const answers: Promise<EditAnswer>[] = []
    backend.open = async (listener) => {
      const held = await open(listener)
      for (const by of [1, 2, 3]) answers.push(backend.request('increment', `{"n":${by}}`))
      return held
    }
    await opened(backend)
    answers.push(backend.request('increment', '{"n":10}'))
    expect((await Promise.all(answers)).map(({ values }) => values)).toEqual([{ n: 2 }, { n: 4 }, { n: 7 }, { n: 17 }])
  })

  it('a store that waits for a pool says so, also of what was asked before that was known', async () => {
    const backend = new HeldBackend(null)
    const open = backend.open.bind(backend)
    const answers: Promise<EditAnswer>[] = []
    backend.open = async (listener) => {
      const held = await open(listener)
      answers.push(backend.request('patch', '{"a":1}'))
      return held
    }
    const pt = backend.openers.createStore({ name: 'garage', empty: 'wait', saveOnExit: false })
    await new Promise<void>((resolve) => pt.$on('status', ({ state }) => state === 'waiting' && resolve()))
    answers.push(backend.request('patch', '{"a":2}'))
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject(refused('NOT_READY'))
    await pt.zero()
    expect(await backend.request('patch', '{"a":3}')).toEqual({ ok: true })
    expect(backend.text).toBe('{"a":3}')
    await pt.$close()
  })

  it('a store that only reads refuses requests, and says so', async () => {
    const { backend, pt } = await opened('{}', { readOnly: true })
    expect(await backend.request('patch', '{"a":1}')).toMatchObject(refused('READ_ONLY'))
    expect(JSON.stringify(pt)).toBe('{}')
  })

  it('a store that is being closed leaves to the next owner what it has not begun', async () => {
    const { backend, pt } = await opened('{"n":1}', { auto: false })
    const before = backend.request('increment', '{"n":1}')
    const closed = pt.$close()
    const after = backend.request('increment', '{"n":1}')
    ;(await backend.nth(1)).land()
    await closed
    expect(await before).toEqual({ ok: true, values: { n: 2 } })
    expect(await after).toMatchObject(refused('CLOSED'))
    expect([backend.text, backend.writes.length]).toEqual(['{"n":2}', 1])
    expect(await backend.request('increment', '{"n":1}')).toMatchObject(refused('CLOSED'))
  })

  it('a store that could not save before it was closed does not say that it has not done what was asked', async () => {
    const { backend, pt } = await opened('{"n":1}', { auto: false, saveTimeoutMs: 50 })
    const answered = backend.request('increment', '{"n":1}')
    await expect(pt.$close()).rejects.toMatchObject({ code: 'ERR_PERSIST_TIMEOUT' })
    expect(await answered).toMatchObject(refused('TIMEOUT'))
  })
})
