import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { lockDirectory } from '../../src/broker/directory-lock.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { within } from '../helpers/wait.ts'
import { bundledProgram } from './fixture.ts'

async function endedProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid ?? 0
}

test('only one broker has the directory, until it lets go', () => {
  const directory = temporaryDirectory()
  const unlock = lockDirectory(directory)
  expect(() => lockDirectory(directory)).toThrow(/is in use by this process itself/)
  unlock()
  lockDirectory(directory)()
  expect(readdirSync(directory)).toEqual([])
})

test('the lock of a process that is gone does not count', async () => {
  const directory = temporaryDirectory()
  for (const holder of [`${await endedProcess()} boot:1`, String(await endedProcess()), '', 'nonsense', '-1 x']) {
    writeFileSync(join(directory, 'lock'), holder)
    lockDirectory(directory)()
    expect(existsSync(join(directory, 'lock'))).toBe(false)
  }
})

test.skipIf(process.platform !== 'linux')('nor does one of a process that only has the same pid', () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'lock'), `${process.pid} another-boot:1`)
  lockDirectory(directory)()
})

test('of many that find a stale lock at once, one gets it', async () => {
  const program = await bundledProgram('lock-program')
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'lock'), `${await endedProcess()} boot:1`)
  const contenders = Array.from({ length: 8 }, () => {
    const child = spawn(process.execPath, [program, directory], { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() }
  })
  const nextLines = () =>
    within(Promise.all(contenders.map(async ({ lines }) => String((await lines.next()).value))), {
      what: 'the contenders',
      limitMs: 10_000,
    })
  await nextLines()
  for (const { child } of contenders) child.stdin.write('go\n')
  const answers = await nextLines()
  expect(answers.filter((answer) => answer === 'locked')).toHaveLength(1)
  expect(answers.filter((answer) => answer.includes('is in use by the process'))).toHaveLength(7)
})
