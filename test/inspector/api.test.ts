import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openStore } from '../../src/index.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { startDevice } from '../helpers/tasmota-device.ts'
import { waitFor } from '../helpers/wait.ts'
import { inspected, seen } from './inspector.ts'

describe.skipIf(!mosquittoAvailable)('what a page asks for', () => {
  test('a page gets a pool with the texts that are kept', async () => {
    const { get } = await inspected({ garage: '{"n":1.0,"id":12345678901234567890,"list":[1, 2]}', bad: '[1]' })
    expect(await (await get('pools/garage')).json()).toEqual({
      at: 0,
      pool: { name: 'garage', owner: 'none', variables: 3, bytes: 49 },
      variables: [
        ['n', '1.0'],
        ['id', '12345678901234567890'],
        ['list', '[1, 2]'],
      ],
    })
    const bad = await (await get('pools/bad')).json()
    expect(bad).toMatchObject({
      variables: null,
      invalid: { reason: 'JSON, but not an object with variables: [1]', text: '[1]' },
    })
    const missing = await get('pools/nothing')
    expect([missing.status, await missing.json()]).toEqual([
      404,
      { error: { code: 'NOT_FOUND', message: 'There is no pool nothing.' } },
    ])
  })

  test('a page sets and removes variables of a pool that nobody owns', async () => {
    const page = await inspected({ garage: '{"a":1,"b":2}' })
    expect(await page.post('pools/garage/edit', { set: [['a', '{"x":null}']], seen: [['a', '1']] })).toEqual([
      200,
      { way: 'direct' },
    ])
    const both = [
      ['c', 'null'],
      ['b', null],
    ]
    expect(await page.post('pools/garage/edit', { set: both })).toEqual([200, { way: 'direct' }])
    expect(await page.kept('garage')).toBe('{"a":{"x":null},"c":null}')
  })

  test('an edit of a pool that a program owns goes through it', async () => {
    const page = await inspected()
    const pt = await openStore<{ count: number }>({ url: page.brokerUrl, name: 'garage' })
    pt.count = 1
    await pt.save()
    await seen(page, 'garage', '{"count":1}')
    await waitFor(() => page.inspector.livePools.ownerOf('garage') === 'program', { what: 'the owner to be seen' })
    expect(await page.post('pools/garage/edit', { set: [['count', '5']] })).toEqual([200, { way: 'owner' }])
    expect(pt.count).toBe(5)
    expect(await page.post('pools/garage/delete', {})).toMatchObject([409, { error: { code: 'OWNED' } }])
    expect(await page.post('pools/garage/zero', {})).toEqual([200, { way: 'owner' }])
    expect({ ...pt }).toEqual({})
    await pt.$close()
  })

  test('numbers are kept with the digits that the page sends', async () => {
    const page = await inspected({ garage: '{"a":1}' })
    expect(await page.post('pools/garage/edit', { set: [['a', '[9007199254740993,1.0]']] })).toMatchObject([200, {}])
    expect(await page.kept('garage')).toBe('{"a":[9007199254740993,1.0]}')
  })

  test('an edit of which one part is refused changes nothing', async () => {
    const page = await inspected()
    const schema = z.looseObject({ must: z.number() })
    const defaults = { must: 1, a: 1 }
    await using pt = await openStore({ url: page.brokerUrl, name: 'garage', schema, defaults, saveOnExit: false })
    await pt.save()
    await seen(page, 'garage', '{"must":1,"a":1}')
    await waitFor(() => page.inspector.livePools.ownerOf('garage') === 'program', { what: 'the owner to be seen' })
    const edit = [
      ['a', '2'],
      ['new', '1'],
      ['must', null],
    ]
    expect(await page.post('pools/garage/edit', { set: edit })).toMatchObject([
      422,
      { error: { code: 'ERR_PERSIST_SCHEMA' } },
    ])
    expect([{ ...pt }, await page.kept('garage')]).toEqual([defaults, '{"must":1,"a":1}'])
  })

  test('what somebody else has changed meanwhile is told, and stays', async () => {
    const page = await inspected({ garage: '{"a":1}' })
    await page.put('garage', '{"a":7}')
    await seen(page, 'garage', '{"a":7}')
    const wanted = { set: [['a', '2']], seen: [['a', '1']] }
    expect(await page.post('pools/garage/edit', wanted)).toEqual([
      409,
      {
        error: {
          code: 'CONFLICT',
          message: 'Somebody else has changed garage meanwhile. Nothing was changed.',
          current: [['a', '7']],
        },
      },
    ])
    expect(await page.kept('garage')).toBe('{"a":7}')
    const same = {
      set: [['a', '8']],
      seen: [
        ['a', '7.0'],
        ['b', null],
      ],
    }
    expect(await page.post('pools/garage/edit', same)).toEqual([200, { way: 'direct' }])
    const long = { set: [['a', '9']], seen: [['a', '{']] }
    expect(await page.post('pools/garage/edit', long)).toMatchObject([400, {}])
  })

  test('a device that does not listen is not written to, but with force', async () => {
    const page = await inspected()
    await startDevice(page.brokerUrl, 'dev1', '{"a":1}')
    await waitFor(() => page.inspector.livePools.ownerOf('dev1') === 'device', { what: 'the device to be seen' })
    const wanted = { set: [['a', '2']] }
    const refused = [409, { error: { code: 'DEVICE' } }]
    expect(await page.post('pools/dev1/edit', wanted)).toMatchObject(refused)
    expect(await page.post('pools/dev1/zero', {})).toMatchObject(refused)
    expect(await page.post('pools/dev1/replace', { text: '{}' })).toMatchObject(refused)
    expect(await page.kept('dev1')).toBe('{"a":1}')
    expect(await page.post('pools/dev1/edit', { ...wanted, force: true })).toEqual([200, { way: 'direct' }])
    expect(await page.kept('dev1')).toBe('{"a":2}')
  })

  test('a page copies, moves, empties, replaces and deletes pools', async () => {
    const page = await inspected({ garage: '{"a":1.0}', attic: '{"b":1}' })
    const { post, kept } = page
    expect(await post('pools/garage/copy', { to: 'attic' })).toMatchObject([409, { error: { code: 'EXISTS' } }])
    expect(await post('pools/garage/copy', { to: 'shed' })).toEqual([200, { way: 'direct' }])
    expect(await kept('shed')).toBe('{"a":1.0}')
    await seen(page, 'shed', '{"a":1.0}')
    expect(await post('pools/shed/copy', { to: 'attic', isMove: true, force: true })).toEqual([200, { way: 'direct' }])
    expect([await kept('shed'), await kept('attic')]).toEqual([undefined, '{"a":1.0}'])
    await seen(page, 'attic', '{"a":1.0}')
    expect(await post('pools/attic/replace', { text: '{"z":[1]}' })).toEqual([200, { way: 'direct' }])
    expect(await kept('attic')).toBe('{"z":[1]}')
    expect(await post('pools/attic/replace', { text: '[]' })).toMatchObject([
      422,
      { error: { code: 'ERR_PERSIST_BAD_PAYLOAD' } },
    ])
    expect(await post('pools/attic/zero', {})).toEqual([200, { way: 'direct' }])
    expect(await kept('attic')).toBe('{}')
    expect(await post('pools/garage/delete', {})).toEqual([200, { way: 'direct' }])
    expect(await kept('garage')).toBeUndefined()
    await seen(page, 'garage', null)
    expect(await post('pools/garage/delete', {})).toMatchObject([404, { error: { code: 'NOT_FOUND' } }])
    expect(await post('pools/attic/copy', { to: 'a+b' })).toMatchObject([
      400,
      { error: { code: 'ERR_PERSIST_OPTION' } },
    ])
  })

  test('a page gets, changes and copies a pool whose name has several levels', async () => {
    const page = await inspected({ 'house/garage': '{"a":1}' })
    const { get, post, kept } = page
    const path = `pools/${encodeURIComponent('house/garage')}`
    expect(await (await get(path)).json()).toMatchObject({ pool: { name: 'house/garage' }, variables: [['a', '1']] })
    expect(await post(`${path}/edit`, { set: [['a', '2']] })).toEqual([200, { way: 'direct' }])
    await seen(page, 'house/garage', '{"a":2}')
    expect(await post(`${path}/copy`, { to: 'house/floor/attic' })).toEqual([200, { way: 'direct' }])
    expect([await kept('house/garage'), await kept('house/floor/attic')]).toEqual(['{"a":2}', '{"a":2}'])
    expect(await post(`${path}/copy`, { to: 'a/b/c/d/e' })).toMatchObject([
      400,
      { error: { code: 'ERR_PERSIST_OPTION' } },
    ])
  })

  test('what is no pool can be emptied', async () => {
    const page = await inspected({ garage: 'no pool' })
    expect(await page.post('pools/garage/edit', { set: [['a', '1']] })).toMatchObject([422, {}])
    expect(await page.post('pools/garage/zero', {})).toEqual([200, { way: 'direct' }])
    expect(await page.kept('garage')).toBe('{}')
  })

  test('a page gets the history of a pool', async () => {
    const page = await inspected({ garage: '{"a":1}' })
    await page.put('garage', '{"a":2}')
    await seen(page, 'garage', '{"a":2}')
    await page.put('garage', '')
    await seen(page, 'garage', null)
    const states = (await (await page.get('pools/garage/history')).json()) as { since: number; text: string | null }[]
    expect(states.map(({ text }) => text)).toEqual(['{"a":1}', '{"a":2}', null])
    const times = states.map(({ since }) => since)
    expect(times).toEqual([...new Set(times)].toSorted())
  })

  test('a page searches through names, variables and values', async () => {
    const { get } = await inspected({
      garage: '{"limits":{"low":10,"list":[{"Room":"Kitchen"}]}}',
      kitchen: '{}',
      bad: 'kitchen',
      escaped: '{"a":"K\\u0069tchen"}',
    })
    const found = async (text: string) => (await get(`search?q=${encodeURIComponent(text)}`)).json()
    const result = (await found('kitchen')) as { matches: unknown[] }
    expect(result.matches.toSorted()).toEqual([
      ['escaped', ['a']],
      ['garage', ['limits.list[0].Room']],
      ['kitchen', []],
    ])
    expect(await found('limits.low')).toEqual({ matches: [['garage', ['limits.low']]], isCut: false })
    expect(await found('nowhere')).toEqual({ matches: [], isCut: false })
  })

  test('a page gets a backup, what it would change, and its restore', async () => {
    const page = await inspected({ garage: '{"a":1}', attic: '{"b":1}', shed: '{}', bad: 'x' })
    const { get, post, kept } = page
    const response = await get('backup?name=garage&name=attic&name=shed')
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="persist-mqtt-.*\.jsonl"$/)
    const backup = await response.text()
    await page.put('garage', '{"a":2,"c":3}')
    await page.put('attic', '')
    await seen(page, 'garage', '{"a":2,"c":3}')
    await seen(page, 'attic', null)
    const [status, plan] = await post('backup/compare', backup)
    expect(status).toBe(200)
    expect(plan).toMatchObject({
      isComplete: true,
      pools: [
        { name: 'attic', owner: 'none', kind: 'new', changes: [['b', null, '1']] },
        {
          name: 'garage',
          kind: 'changed',
          changes: [
            ['a', '2', '1'],
            ['c', '3', null],
          ],
        },
        { name: 'shed', kind: 'same', changes: [] },
      ],
    })
    expect(await post('backup/restore', { backup, names: ['attic', 'garage'] })).toEqual([
      200,
      expect.arrayContaining([
        { name: 'attic', way: 'direct' },
        { name: 'garage', way: 'direct' },
      ]),
    ])
    expect([await kept('garage'), await kept('attic')]).toEqual(['{"a":1}', '{"b":1}'])
    expect(await post('backup/compare', backup.replace('1}', '5}'))).toMatchObject([422, {}])
    expect(await post('backup/restore', { backup, names: ['nothing'] })).toMatchObject([400, {}])
  })

  test("a page gets the doctor's report line by line, and the doctor leaves no pool in the list", async () => {
    const page = await inspected({ garage: '{}' })
    const lines = (await (await page.get('doctor')).text()).trim().split('\n')
    const checks = lines.map((line) => JSON.parse(line) as { name: string; result: string })
    expect(checks.map(({ name }) => name)).toContain('retain')
    expect(checks.filter(({ result }) => result === 'failed')).toEqual([])
    expect(page.inspector.livePools.names).toEqual(['garage'])
    expect(page.inspector.livePools.events.last).toBe(0)
  })

  test.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['no list', { set: 5 }],
    ['no texts', { set: [['a', 5]] }],
    ['no value', { set: [['a', '{']] }],
    ['no boolean', { set: [], force: 1 }],
  ])('a body that is %s is refused', async (_what, body) => {
    const page = await inspected({ garage: '{"a":1}' })
    expect(await page.post('pools/garage/edit', body)).toMatchObject([400, { error: { code: 'BAD_REQUEST' } }])
    expect(await page.kept('garage')).toBe('{"a":1}')
  })

  test('a read-only inspector changes nothing', async () => {
    const page = await inspected({ garage: '{"a":1}' }, { isReadOnly: true })
    for (const action of ['edit', 'replace', 'zero', 'delete', 'copy']) {
      const [status, answer] = await page.post(`pools/garage/${action}`, { set: [], text: '{}', to: 'x' })
      expect([status, answer]).toMatchObject([403, { error: { code: 'READ_ONLY' } }])
    }
    expect((await page.get('doctor')).status).toBe(403)
    const backup = await (await page.get('backup')).text()
    expect(await page.post('backup/compare', backup)).toMatchObject([200, {}])
    expect(await page.post('backup/restore', { backup, names: ['garage'] })).toMatchObject([403, {}])
    expect(await page.kept('garage')).toBe('{"a":1}')
  })
})
