import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { fileBackend } from '../../../src/backends/file/file-backend.ts'
import { NO_LISTENER } from '../../../src/backends/no-listener.ts'
import { bytesOf } from '../../helpers/bytes.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { waitForEvent } from '../../helpers/wait.ts'
import { fileProgram, LIMIT_MS, mayMount, mounted, namesIn, openedFile, smallDisk } from './fixture.ts'

test.each<[what: string, make: (path: string) => unknown, text: RegExp]>([
  ['a directory', (path) => mkdir(path), /is a directory\. Give the path of a file/],
  ['a pipe, without waiting for its other end', (path) => spawnSync('mkfifo', [path]), /a device, pipe or socket/],
  ['a link to itself', (path) => symlink(path, path), /lead in a circle/],
])('%s cannot be opened', async (_what, make, text) => {
  const path = join(temporaryDirectory(), 'pool.json')
  await make(path)
  const backend = fileBackend(path)
  const message = expect.stringMatching(text)
  await expect(backend.open(NO_LISTENER, LIMIT_MS)).rejects.toMatchObject({
    code: 'ERR_PERSIST_FAILED',
    store: path,
    message,
  })
  await backend.close()
})

test('a path through a file, and a name that is too long, say so', async () => {
  const directory = temporaryDirectory()
  await writeFile(join(directory, 'file'), '')
  const through = fileBackend(join(directory, 'file', 'pool.json')).open(NO_LISTENER, LIMIT_MS)
  await expect(through).rejects.toThrow(/a part of its path is a file/)
  const long = fileBackend(join(directory, 'x'.repeat(300))).open(NO_LISTENER, LIMIT_MS)
  await expect(long).rejects.toThrow(/name is too long/)
})

test('a directory that comes in the place of the file is not replaced', async () => {
  const directory = temporaryDirectory()
  const { backend } = await openedFile(join(directory, 'pool.json'))
  await mkdir(join(directory, 'pool.json'))
  await expect(backend.write(bytesOf('{}'), LIMIT_MS)).rejects.toThrow(/is a directory/)
  expect(await namesIn(directory)).toEqual(['pool.json'])
})

/** What a program says that opens a file and writes it once, as a user who may not do everything. */
async function saidBySomebodyElse(path: string): Promise<unknown> {
  const program = await fileProgram()
  await chmod(dirname(program), 0o755)
  const somebody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const child = spawn(process.execPath, [program, path, 'once'], { stdio: ['ignore', 'pipe', 'inherit'], ...somebody })
  const [line] = await waitForEvent(child.stdout, 'data', { what: 'what the program says' })
  return JSON.parse(String(line))
}

/** Can the user without rights run this Node at all? Not where it is installed in root's own home. */
function mayRunAsSomebodyElse(): boolean {
  return process.getuid?.() !== 0 || spawnSync(process.execPath, ['--version'], { uid: 65534, gid: 65534 }).status === 0
}

const deniedTest = test.skipIf(!mayRunAsSomebodyElse())
deniedTest('a file that may not be read, and a directory that may not be written, are denied', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'pool.json')
  await writeFile(path, '{"value":1}')
  await chmod(path, 0o000)
  await chmod(directory, 0o555)
  expect(await saidBySomebodyElse(path)).toEqual({
    code: 'ERR_PERSIST_DENIED',
    message: expect.stringContaining(`Give it read permission for ${path}`),
  })
  await chmod(path, 0o644)
  expect(await saidBySomebodyElse(path)).toEqual({
    code: 'ERR_PERSIST_DENIED',
    message: expect.stringContaining(`Give it write permission for the directory ${directory}`),
  })
  await chmod(directory, 0o755)
  expect(await readFile(path, 'utf8')).toBe('{"value":1}')
  expect(await namesIn(directory)).toEqual(['pool.json'])
})

const mountTest = test.skipIf(!mayMount())

mountTest('a full disk: the error says so, the old file stays, and nothing half written is left', async () => {
  const disk = smallDisk('256k')
  const path = join(disk.path, 'pool.json')
  const { backend } = await openedFile(path)
  await backend.write(bytesOf('{"old":1}'), LIMIT_MS)
  await expect(backend.write(new Uint8Array(300_000), LIMIT_MS)).rejects.toMatchObject({
    code: 'ERR_PERSIST_FAILED',
    message: expect.stringMatching(/the disk is full\. Make room and save again/),
  })
  expect(await readFile(path, 'utf8')).toBe('{"old":1}')
  expect(await namesIn(disk.path)).toEqual(['pool.json'])
  expect(await backend.write(bytesOf('{"new":1}'), LIMIT_MS)).toBe('written')
})

mountTest('a read-only file system is denied, and what is there is read', async () => {
  const disk = smallDisk('256k')
  const path = join(disk.path, 'pool.json')
  await writeFile(path, '{"old":1}')
  disk.remountReadOnly()
  const { backend, text } = await openedFile(path)
  expect(text).toBe('{"old":1}')
  await expect(backend.write(bytesOf('{}'), LIMIT_MS)).rejects.toMatchObject({
    code: 'ERR_PERSIST_DENIED',
    message: expect.stringMatching(/mounted read-only/),
  })
})

mountTest('a file that is a mount point of its own, as in a container, says what to mount instead', async () => {
  const directory = temporaryDirectory()
  const [outside, inside] = [join(directory, 'outside.json'), join(directory, 'inside.json')]
  for (const file of [outside, inside]) await writeFile(file, '{"old":1}')
  mounted(inside, '--bind', outside)
  const { backend } = await openedFile(inside)
  await expect(backend.write(bytesOf('{}'), LIMIT_MS)).rejects.toThrow(`mount its directory ${directory} instead`)
  expect(await namesIn(directory)).toEqual(['inside.json', 'outside.json'])
})
