import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { atExit } from '../../helpers/at-exit.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { waitFor, waitForEvent } from '../../helpers/wait.ts'
import { fileProgram, namesIn } from './fixture.ts'

const ROUNDS = 12

test('a program that is killed while it writes leaves a whole pool, the one it had written or the next', async () => {
  const program = await fileProgram()
  const directory = temporaryDirectory()
  const path = join(directory, 'pool.json')
  for (let round = 1; round <= ROUNDS; round++) {
    const child = spawn(process.execPath, [program, path, 'loop'], { stdio: ['ignore', 'pipe', 'inherit'] })
    atExit(() => child.kill('SIGKILL'))
    const ended = waitForEvent(child, 'close', { what: 'the end of the program', limitMs: 10_000 })
    const written: number[] = []
    createInterface(child.stdout).on('line', (line) => written.push(Number(line)))
    // Another number of writes each time, so that the kill meets another moment of the next one.
    await waitFor(() => written.length >= round * 3, { what: `${round * 3} writes`, limitMs: 10_000 })
    child.kill('SIGKILL')
    await ended
    const { value, again, filler } = JSON.parse(await readFile(path, 'utf8'))
    expect([again, filler.length]).toEqual([value, 50_000])
    const last = written.at(-1) ?? 0
    // What had reached the pipe was written; one more may have been, without having been said.
    expect([last, last + 1]).toContain(value)
  }
  const others = (await namesIn(directory)).filter((name) => name !== 'pool.json')
  expect(others.every((name) => name.startsWith('.persist-mqtt-'))).toBe(true)
})
