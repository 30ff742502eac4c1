import { readFileSync } from 'node:fs'
import { chmod, chown, lstat, mkdir, open, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/file.ts'
import { bytesOf, withoutRevision } from '../../helpers/bytes.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { LIMIT_MS, namesIn, openedFile } from './fixture.ts'

const isRoot = process.getuid?.() === 0

interface DevicePayload {
  readonly payload_utf8?: string
  readonly payload_hex?: string
  readonly js_parses: boolean
}

test('files as devices write them open, and stay byte for byte as they are until something is changed', async () => {
  const directory = temporaryDirectory()
  const fixture = await readFile(new URL('../../fixtures/berry-written.json', import.meta.url), 'utf8')
  const payloads = (JSON.parse(fixture) as DevicePayload[]).filter(({ js_parses }) => js_parses)
  expect(payloads.length).toBeGreaterThan(50)
  for (const [index, { payload_utf8, payload_hex = '' }] of payloads.entries()) {
    const file = join(directory, `${index}`, '_persist.json')
    const written = payload_utf8 === undefined ? Buffer.from(payload_hex, 'hex') : Buffer.from(payload_utf8)
    await mkdir(join(directory, `${index}`))
    await writeFile(file, written)
    const pt = await openStore<{ added?: number }>({ file, name: 'device' })
    expect(JSON.stringify(pt)).toBe(JSON.stringify(JSON.parse(written.toString())))
    await pt.save()
    expect((await readFile(file)).equals(written)).toBe(true)
    pt.added = 1
    await pt.$close()
    expect(JSON.parse(withoutRevision(await readFile(file, 'utf8')))).toEqual({
      ...JSON.parse(written.toString()),
      added: 1,
    })
    expect(await namesIn(join(directory, `${index}`))).toEqual(['_persist.json'])
  }
})

test('a file that is not there is an empty pool; directories are made when it is written, not before', async () => {
  const parent = temporaryDirectory()
  const path = join(parent, 'made', 'by', 'us', 'pool.json')
  const { backend, text } = await openedFile(path)
  expect(text).toBeNull()
  expect(await namesIn(parent)).toEqual([])
  expect(await backend.write(bytesOf('{"a":1}'), LIMIT_MS)).toBe('written')
  expect(await readFile(path, 'utf8')).toBe('{"a":1}')
})

test('the new bytes are on disk before they get the name, and then the name is', async () => {
  const path = join(temporaryDirectory(), 'pool.json')
  await writeFile(path, '{"old":1}')
  const { backend } = await openedFile(path)
  const atSync = await contentAtSync(path)
  await backend.write(bytesOf('{"new":1}'), LIMIT_MS)
  expect(atSync).toEqual(['{"old":1}', '{"new":1}'])
})

/** What a file holds whenever this process calls fsync, until the test ends. */
async function contentAtSync(path: string): Promise<string[]> {
  const seen: string[] = []
  const file = await open(path)
  const prototype = Object.getPrototypeOf(file) as { sync: () => Promise<void> }
  await file.close()
  const { sync } = prototype
  prototype.sync = function observed(this: unknown) {
    seen.push(readFileSync(path, 'utf8'))
    return sync.call(this)
  }
  onTestFinished(() => {
    prototype.sync = sync
  })
  return seen
}

test('mode and owner of the file stay', async () => {
  const path = join(temporaryDirectory(), 'pool.json')
  await writeFile(path, '{}')
  // Both bits that a usual umask takes away, and no reading for others.
  await chmod(path, 0o620)
  if (isRoot) await chown(path, 65534, 65534)
  const before = await stat(path)
  const { backend } = await openedFile(path)
  await backend.write(bytesOf('{"a":1}'), LIMIT_MS)
  const { mode, uid, gid, ino } = await stat(path)
  expect({ mode, uid, gid }).toEqual({ mode: before.mode, uid: before.uid, gid: before.gid })
  expect(ino).not.toBe(before.ino)
})

test.each(['there', 'not there yet'])(
  'a link stays a link; the file that it leads to is written: %s',
  async (target) => {
    const directory = temporaryDirectory()
    const [first, second, path] = ['pool.json', 'second', 'real.json'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ]
    await symlink('second', first)
    await symlink(path, second)
    if (target === 'there') await writeFile(path, '{"a":1}')
    const { backend, text } = await openedFile(first)
    expect(text).toBe(target === 'there' ? '{"a":1}' : null)
    await backend.write(bytesOf('{"a":2}'), LIMIT_MS)
    expect((await lstat(first)).isSymbolicLink()).toBe(true)
    expect((await lstat(path)).isFile()).toBe(true)
    expect(await readFile(path, 'utf8')).toBe('{"a":2}')
  },
)

test('a foreign write is found by its content, whatever size and time say', async () => {
  const path = join(temporaryDirectory(), 'pool.json')
  const { backend, told } = await openedFile(path)
  await backend.write(bytesOf('{"a":1}'), LIMIT_MS)
  const { atime, mtime } = await stat(path)
  await writeFile(path, '{"a":9}')
  await utimes(path, atime, mtime)
  expect(await backend.write(bytesOf('{"a":2}'), LIMIT_MS)).toBe('superseded')
  expect(told).toEqual([{ changed: '{"a":9}' }])
  expect(await readFile(path, 'utf8')).toBe('{"a":9}')
})

test('the same bytes with another time are no foreign write', async () => {
  const path = join(temporaryDirectory(), 'pool.json')
  const { backend, told } = await openedFile(path)
  await backend.write(bytesOf('{"a":1}'), LIMIT_MS)
  await rm(path)
  await writeFile(path, '{"a":1}')
  expect(await backend.write(bytesOf('{"a":2}'), LIMIT_MS)).toBe('written')
  expect(told).toEqual([])
})

test("two programs' changes are both in the file", async () => {
  const file = join(temporaryDirectory(), 'pool.json')
  await using one = await openStore<{ a?: number; b?: number }>({ file, name: 'one' })
  await using two = await openStore<{ a?: number; b?: number }>({ file, name: 'two' })
  one.a = 1
  await one.save()
  two.b = 2
  await two.save()
  expect(JSON.parse(withoutRevision(await readFile(file, 'utf8')))).toEqual({ a: 1, b: 2 })
})

test('a write that is too slow for its limit rejects, and the next one is whole', async () => {
  const directory = temporaryDirectory()
  const { backend } = await openedFile(join(directory, 'pool.json'))
  await backend.write(bytesOf('{"old":1}'), LIMIT_MS)
  const slow = backend.write(new Uint8Array(64_000_000).fill(0x20), 1)
  await expect(slow).rejects.toMatchObject({ code: 'ERR_PERSIST_TIMEOUT' })
  expect(await backend.write(bytesOf('{"new":1}'), 60_000)).toBe('written')
  expect(await readFile(join(directory, 'pool.json'), 'utf8')).toBe('{"new":1}')
  expect(await namesIn(directory)).toEqual(['pool.json'])
})

test('close() during a write leaves the old file or the new one, and nothing else', async () => {
  const directory = temporaryDirectory()
  const { backend } = await openedFile(join(directory, 'pool.json'))
  await backend.write(bytesOf('{"old":1}'), LIMIT_MS)
  const writing = expect(backend.write(bytesOf('{"new":1}'), LIMIT_MS)).rejects.toMatchObject({
    code: 'ERR_PERSIST_CLOSED',
  })
  await backend.close()
  await writing
  expect(await namesIn(directory)).toEqual(['pool.json'])
  expect(['{"old":1}', '{"new":1}']).toContain(await readFile(join(directory, 'pool.json'), 'utf8'))
})

test('what a killed program left behind is removed, what may still be written is not', async () => {
  const directory = temporaryDirectory()
  const [old, young, foreign] = ['.persist-mqtt-0123456789abcdef.tmp', '.persist-mqtt-fedcba9876543210.tmp', 'a.tmp']
  const anHourAgo = new Date(Date.now() - 3_600_000)
  for (const name of [old, young, foreign]) await writeFile(join(directory, name ?? ''), 'half')
  for (const name of [old, foreign]) await utimes(join(directory, name ?? ''), anHourAgo, anHourAgo)
  const { backend } = await openedFile(join(directory, 'pool.json'))
  await backend.write(bytesOf('{}'), LIMIT_MS)
  expect(await namesIn(directory)).toEqual([young, foreign, 'pool.json'])
})

test('directories on the way that are links work', async () => {
  const directory = temporaryDirectory()
  await mkdir(join(directory, 'real'))
  await symlink('real', join(directory, 'link'))
  const { backend } = await openedFile(join(directory, 'link', 'pool.json'))
  await backend.write(bytesOf('{}'), LIMIT_MS)
  expect(await namesIn(join(directory, 'real'))).toEqual(['pool.json'])
})
