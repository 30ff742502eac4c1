import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import type { JsonObject } from '../../src/format/json.ts'
import { PersistError } from '../../src/runtime/errors.ts'
import type { StoreOptions } from '../../src/store/options.ts'
import { asWritten } from '../helpers/bytes.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { opened } from '../helpers/opened-store.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const options = { name: 'versioned', saveOnExit: false }

/** 1 has counter, 2 has count, 3 has counts. */
const migrate = {
  2: ({ counter = 0, ...rest }: JsonObject) => ({ ...rest, count: counter }),
  3: async ({ count, ...rest }: JsonObject) => ({ ...rest, counts: [count ?? null] }),
}

describe('a pool of an older version', () => {
  it('a pool of an older version is brought forward step by step, once', async () => {
    const { backend, pt } = await opened('{"counter":3,"other":1}', { version: 3, migrate })
    expect({ ...pt }).toEqual({ other: 1, counts: [3], $version: 3 })
    await pt.$close()
    expect(JSON.parse(backend.text ?? '')).toEqual({ other: 1, counts: [3], $version: 3 })
    const wrong = { 2: () => ({ wrong: true }), 3: () => ({ wrong: true }) }
    const { pt: again } = await opened(backend, { version: 3, migrate: wrong })
    expect({ ...again }).toEqual({ other: 1, counts: [3], $version: 3 })
  })

  it('a pool that was brought forward is saved by itself', async () => {
    const backend = new HeldBackend('{"count":3,"$version":2}', { auto: false })
    await opened(backend, { version: 3, migrate })
    const write = await backend.nth(1)
    expect(JSON.parse(write.text)).toEqual({ counts: [3], $version: 3 })
  })

  it('the pool of an older version stays beside the new one until something has been saved after that', async () => {
    const { backend, pt } = await opened('{"counter":3}', { auto: false, version: 3, migrate })
    expect(backend.copies).toEqual(['{"counter":3}'])
    const saved = pt.save()
    ;(await backend.nth(1)).land()
    await saved
    expect(backend.copies).toEqual(['{"counter":3}'])
    pt.counts = [4]
    const savedAgain = pt.save()
    ;(await backend.nth(2)).land()
    await savedAgain
    expect(backend.copies).toEqual(['{"counter":3}', null])
    pt.counts = [5]
    void pt.save()
    ;(await backend.nth(3)).land()
    expect(backend.copies).toEqual(['{"counter":3}', null])
  })

  it('the pool of an older version stays beside the new one where its program is killed, until the next one saves', async () => {
    const { backend, pt } = await opened('{"counter":3}', { version: 3, migrate })
    await pt.save()
    const { pt: next } = await opened(backend, { version: 3, migrate })
    expect(backend.copy).toBe('{"counter":3}')
    next.counts = []
    await next.save()
    expect(backend.copy).toBeNull()
  })

  it('a pool is checked by the schema when it has been brought forward', async () => {
    const backend = new HeldBackend('{"counter":"x"}')
    const schema = z.object({ counts: z.array(z.number()) })
    await expect(backend.openers.openStore({ ...options, version: 3, migrate, schema })).rejects.toMatchObject({
      code: 'ERR_PERSIST_SCHEMA',
      path: 'pt.counts[0]',
    })
    expect([backend.text, backend.writes.length]).toEqual(['{"counter":"x"}', 0])
  })

  it('a migration takes what others have written meanwhile', async () => {
    const backend = new HeldBackend('{"counter":3,"other":1}')
    const slow = {
      ...migrate,
      3: async (old: JsonObject) => {
        backend.foreign('{"counter":3,"other":2}')
        return migrate[3](old)
      },
    }
    const { pt } = await opened(backend, { version: 3, migrate: slow })
    expect({ ...pt }).toEqual({ other: 2, counts: [3], $version: 3 })
    await pt.save()
    expect(JSON.parse(backend.text ?? '')).toEqual({ other: 2, counts: [3], $version: 3 })
  })

  it('an older pool that somebody writes where a store waits for one is brought forward', async () => {
    const backend = new HeldBackend()
    const pt = backend.openers.createStore({ ...options, empty: 'wait', version: 3, migrate })
    await new Promise<void>((resolve) => {
      pt.$on('status', ({ state }) => state === 'waiting' && resolve())
    })
    backend.foreign('{"counter":3}')
    await pt.exec(() => {})
    expect({ ...pt }).toEqual({ counts: [3], $version: 3 })
  })

  it('a pool of an older version is left alone by a store that is closed while it migrates', async () => {
    const backend = new HeldBackend('{"counter":3}')
    const pt = backend.openers.createStore({
      ...options,
      version: 3,
      migrate: {
        ...migrate,
        3: async () => {
          await pt.$close()
          return {}
        },
      },
    })
    await expect(pt.exec(() => {})).rejects.toMatchObject({ code: 'ERR_PERSIST_CLOSED' })
    expect([pt.$status.state, backend.text, backend.writes.length]).toEqual(['closed', '{"counter":3}', 0])
  })
})

test('a new pool is of the version of the program', async () => {
  const { backend, pt } = await opened(null, { version: 3 })
  pt.a = 1
  await pt.save()
  expect(JSON.parse(backend.text ?? '')).toEqual({ a: 1, $version: 3 })
})

test.each([
  ['{"$version":9}', {}, /version 9 of the program, this is 3/],
  ['{"$version":"2"}', {}, /whole number/],
  ['{"a":1}', {}, /pass migrate: \{ 2: …/],
  ['{"a":1}', { migrate: { 2: migrate[2] } }, /pass migrate: \{ 3: …/],
  ['{"a":1}', { migrate, readOnly: true }, /readOnly/],
  [
    '{"a":1}',
    { migrate: { ...migrate, 3: () => Promise.reject(new Error('mine')) } },
    /migrate\[3\] has failed: .*mine/,
  ],
  ['{"a":1}', { migrate: { ...migrate, 2: () => [] as never } }, /migrate\[2\] must return the variables/],
])('%s is left as it is where it cannot be brought forward (%#)', async (text, given, message) => {
  const backend = new HeldBackend(text)
  const opening = backend.openers.openStore({ ...options, version: 3, ...given })
  await expect(opening).rejects.toMatchObject({ code: 'ERR_PERSIST_SCHEMA', message: expect.stringMatching(message) })
  expect([backend.text, backend.writes.length, backend.copies, backend.isClosed]).toEqual([text, 0, [], true])
})

test('what a step sets to undefined is removed, and takes no place in the pool', async () => {
  const backend = new HeldBackend('{"count":1,"old":1}')
  const migrate = { 2: (before: JsonObject) => ({ ...before, old: undefined }) as never }
  const options = {
    name: 'garage',
    saveOnExit: false,
    version: 2,
    migrate,
    maxBytes: asWritten('{"$rev":"writer.1<writer.1","count":1,"$version":2}').length,
  }
  const pt = await backend.openers.openStore(options)
  await pt.save()
  expect(backend.text).toBe('{"count":1,"$version":2}')
})

test('what a step returns and cannot be kept is an error of opening, and changes nothing', async () => {
  const backend = new HeldBackend('{"a":1}')
  const bad = { 2: () => ({ when: new Date() }) as never }
  await expect(backend.openers.openStore({ ...options, version: 2, migrate: bad })).rejects.toMatchObject({
    code: 'ERR_PERSIST_NOT_STORABLE',
  })
  expect([backend.text, backend.writes.length]).toEqual(['{"a":1}', 0])
})

test('a step that never ends is given up', async () => {
  const backend = new HeldBackend('{"a":1}')
  const endless = { 2: () => new Promise<JsonObject>(() => {}) }
  const opening = backend.openers.openStore({ ...options, version: 2, migrate: endless, openTimeoutMs: 20 })
  await expect(opening).rejects.toMatchObject({
    code: 'ERR_PERSIST_TIMEOUT',
    message: expect.stringMatching(/migrate\[2\]/),
  })
})

test('a pool is not migrated where no copy of it can be kept', async () => {
  const backend = new HeldBackend('{"counter":1}')
  backend.keepCopy = () => Promise.reject(new Error('no room'))
  await expect(backend.openers.openStore({ ...options, version: 3, migrate })).rejects.toMatchObject({
    message: expect.stringMatching(/no room/),
  })
  expect([backend.text, backend.writes.length]).toEqual(['{"counter":1}', 0])
})

test.each([
  ['a schema that it does not fit', { schema: z.object({ n: z.string() }) }, 'ERR_PERSIST_SCHEMA'],
  ['more than may be saved', { maxBytes: 20 }, 'ERR_PERSIST_TOO_LARGE'],
])('where what was migrated meets %s, nothing is changed, and no copy is made', async (_, more, code) => {
  const backend = new HeldBackend('{"counter":3}')
  backend.copy = 'of an earlier migration'
  const wanted = { ...options, ...more, version: 2, migrate: { 2: () => ({ n: 1, much: 'more' }) } } as StoreOptions
  await expect(backend.openers.openStore(wanted)).rejects.toMatchObject({ code })
  expect([backend.text, backend.copies]).toEqual(['{"counter":3}', []])
})

test('the copy of a program that was killed while it migrated stays as well, where a journal has what it had made', async () => {
  const directory = temporaryDirectory()
  const first = new HeldBackend('{"counter":3}', { auto: false })
  const journal = join(directory, 'first')
  await opened(first, { version: 2, migrate, journal })
  // It is on the disk before it is sent, and is never answered.
  await first.nth(1)
  copyFileSync(journal, join(directory, 'second'))
  const second = new HeldBackend(first.text)
  second.copy = first.copy
  const { pt } = await opened(second, { version: 2, migrate, journal: join(directory, 'second') })
  await pt.save()
  expect([second.text, second.copy]).toEqual(['{"count":3,"$version":2}', '{"counter":3}'])
  pt.count = 4
  await pt.save()
  expect(second.copy).toBeNull()
})

test('a broker that closes the connection where a copy is removed is not asked for it at every save', async () => {
  const backend = new HeldBackend('{"count":3,"$version":2}')
  let asked = 0
  backend.keepCopy = async () => {
    asked += 1
    throw new PersistError('ERR_PERSIST_CONNECT', 'closed on purpose')
  }
  const { pt } = await opened(backend, { version: 2 })
  for (pt.count = 0; pt.count < 6; pt.count += 1) await pt.save()
  expect(asked).toBe(2)
})

test('nobody removes the version, and who puts all variables back puts it back as it is', async () => {
  const { backend, pt } = await opened('{"count":3,"$version":2}', { version: 2, migrate })
  const reserved = expect.objectContaining({ code: 'ERR_PERSIST_RESERVED_NAME' })
  expect(() => delete pt.$version).toThrow(reserved)
  expect(() => pt.remove('$version')).toThrow(reserved)
  expect(() => Object.assign(pt, { $version: 3 })).toThrow(reserved)
  Object.assign(pt, JSON.parse(JSON.stringify(pt)), { count: 4 })
  await pt.save()
  expect(backend.text).toBe('{"count":4,"$version":2}')
  // To a program without a version it is a variable of somebody's.
  const other = await backend.openers.openStore(options)
  other.remove('$version')
  await other.save()
  expect(backend.text).toBe('{"count":4}')
})

test('a step that fails after the pool was begun anew changes nothing about that', async () => {
  const backend = new HeldBackend()
  let fail: (reason: Error) => void = () => {}
  const stuck = { 2: () => new Promise<JsonObject>((_resolve, reject) => (fail = reject)) }
  const pt = backend.openers.createStore({ ...options, empty: 'wait', version: 2, migrate: stuck })
  pt.$on('error', () => {})
  await new Promise<void>((resolve) => {
    pt.$on('status', ({ state }) => state === 'waiting' && resolve())
  })
  backend.foreign('{"counter":3}')
  await pt.zero(true)
  fail(new Error('too late'))
  await new Promise(setImmediate)
  expect(pt.$status.state).toBe('ready')
  expect(backend.isClosed).toBe(false)
})

test('what was migrated and is more than its place takes is not saved, and no copy is made', async () => {
  const backend = new HeldBackend('{"counter":3}')
  const open = backend.open.bind(backend)
  backend.open = async (listener) => ({ ...(await open(listener)), limitBytes: 20 })
  const wanted = { ...options, version: 2, migrate: { 2: () => ({ n: 1, much: 'more' }) } } as StoreOptions
  await expect(backend.openers.openStore(wanted)).rejects.toMatchObject({ code: 'ERR_PERSIST_TOO_LARGE' })
  expect([backend.text, backend.copies]).toEqual(['{"counter":3}', []])
})

test.each([
  ['is no news where this program has made none', 'DENIED', '{"count":3,"$version":2}', []],
  ['is told where this program has made it', 'DENIED', '{"counter":3}', ['ERR_PERSIST_DENIED']],
  ['is no news where the store is being closed', 'CLOSED', '{"counter":3}', []],
] as const)('a copy that cannot be removed %s', async (_what, code, text, told) => {
  const backend = new HeldBackend(text)
  const { keepCopy } = backend
  const removals: unknown[] = []
  backend.keepCopy = async (bytes) => {
    if (bytes !== null) return keepCopy.call(backend, bytes)
    removals.push(bytes)
    throw new PersistError(`ERR_PERSIST_${code}`, 'refused on purpose')
  }
  const pt = await backend.openers.openStore({ ...options, version: 2, migrate })
  const errors: string[] = []
  pt.$on('error', (error) => errors.push(error.code))
  for (const count of [4, 5]) {
    pt.count = count
    await pt.save()
  }
  expect(removals).not.toEqual([])
  expect(errors).toEqual(told)
})
