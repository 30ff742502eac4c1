import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { keepCorrupt } from '../../../src/backends/file/corrupt-copy.ts'
import { createStore, openStore } from '../../../src/file.ts'
import { bytesOf, withoutRevision } from '../../helpers/bytes.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { waitFor } from '../../helpers/wait.ts'
import { LIMIT_MS, namesIn, openedFile } from './fixture.ts'

const KEPT = /^pool\.json\.corrupt-\d{4}-\d\d-\d\dT\d{6}\.\d{3}Z$/

const NO_POOLS: [what: string, content: string][] = [
  ['half a pool', '{"counter":41,"tones":[600,7'],
  ['no bytes at all', ''],
  ['a list', '[1,2]'],
  ['nested deeper than a store reads', `{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`],
]

test.each(NO_POOLS)('%s: is not opened and not touched, and zero(true) keeps it aside', async (_what, content) => {
  const directory = temporaryDirectory()
  const file = join(directory, 'pool.json')
  await writeFile(file, content)

  await expect(openStore({ file, name: 'pool' })).rejects.toMatchObject({ code: 'ERR_PERSIST_BAD_PAYLOAD' })
  expect(await namesIn(directory)).toEqual(['pool.json'])
  expect(await readFile(file, 'utf8')).toBe(content)

  await using pt = createStore({ file, name: 'pool' })
  await waitFor(() => pt.$status.state === 'waiting', { what: 'the store to see the file' })
  expect(() => pt.zero()).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_NEEDS_FORCE' }))
  await pt.zero(true)
  const [first, kept = '', ...rest] = await namesIn(directory)
  expect([first, ...rest]).toEqual(['pool.json'])
  expect(kept).toMatch(KEPT)
  expect(await readFile(join(directory, kept), 'utf8')).toBe(content)
  expect(withoutRevision(await readFile(file, 'utf8'))).toBe('{}')
})

test('a pool that another program leaves half written while the store is open is kept aside, and healed', async () => {
  const directory = temporaryDirectory()
  const file = join(directory, 'pool.json')
  await using pt = await openStore<{ a: number }>({ file, name: 'pool', defaults: { a: 1 } })
  const errors: string[] = []
  pt.$on('error', ({ code }) => errors.push(code))
  await pt.save()
  await writeFile(file, '{"a":7,"b"')
  pt.a = 2
  await pt.save()
  expect(withoutRevision(await readFile(file, 'utf8'))).toBe('{"a":2}')
  expect(errors).toEqual(['ERR_PERSIST_BAD_PAYLOAD'])
  const [, kept = '', ...rest] = await namesIn(directory)
  expect(rest).toEqual([])
  expect(await readFile(join(directory, kept), 'utf8')).toBe('{"a":7,"b"')
})

test('a pool is replaced without a copy, and so is what this backend wrote itself', async () => {
  const directory = temporaryDirectory()
  await writeFile(join(directory, 'pool.json'), '{"a":1}')
  const { backend } = await openedFile(join(directory, 'pool.json'))
  for (const text of ['no pool', 'none either', '{}']) await backend.write(bytesOf(text), LIMIT_MS)
  expect(await namesIn(directory)).toEqual(['pool.json'])
})

test('what is kept aside never takes the place of an older one', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'pool.json')
  const now = new Date('2024-05-06T07:08:09.123Z')
  const kept: string[] = []
  for (const content of ['first', 'second', 'third']) {
    await writeFile(path, content)
    kept.push(await keepCorrupt(path, now))
    // It is the same file under two names until one of them is given to another, as a write does.
    await rm(path)
  }
  const name = `${path}.corrupt-2024-05-06T070809.123Z`
  expect(kept).toEqual([name, `${name}-2`, `${name}-3`])
  const contents = await Promise.all(kept.map((file) => readFile(file, 'utf8')))
  expect(contents).toEqual(['first', 'second', 'third'])
})
