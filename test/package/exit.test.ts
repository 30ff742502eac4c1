import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, describe, expect, it } from 'vitest'
import { runProgram } from '../built/run-program.ts'
import { startAedes } from '../helpers/aedes.ts'
import { withoutRevision } from '../helpers/bytes.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor } from '../helpers/wait.ts'

const directory = temporaryDirectory()
const program = join(directory, 'exit-program.mjs')

beforeAll(async () => {
  const entry = new URL('../helpers/exit-program.ts', import.meta.url).pathname
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile: program })
})

/** Runs the program on a file of its own. */
function start(...manners: string[]) {
  const path = join(temporaryDirectory(), 'pool.json')
  return {
    running: runProgram(program, [path, ...manners], directory),
    kept: () => withoutRevision(readFileSync(path, 'utf8')),
  }
}

describe('a program with an unsaved store in a file', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('that gets %s saves it and ends with that signal', async (signal) => {
    const { running, kept } = start()
    await running.says(/changed/)
    expect(await running.kill(signal)).toBe(signal)
    expect(kept()).toBe('{"n":1}')
  })

  it('a program that has nothing left to do saves its store and ends with its own code', async () => {
    const { running, kept } = start('end', 'code')
    expect(await running.ended()).toBe(3)
    expect(kept()).toBe('{"n":1}')
  })

  // `once` takes its listener off before it calls it: whoever counts listeners afterwards finds none.
  it.each(['once-before', 'once-after'])(
    'whose own listener was set %s opening decides how it ends',
    async (manner) => {
      const { running, kept } = start(manner)
      await running.says(/changed/)
      expect(await running.kill('SIGTERM')).toBe(7)
      expect(running.stdout()).toMatch(/ran\n.*done\n/s)
      expect(kept()).toBe('{"n":1}')
    },
  )

  it('a program that has signal-exit loaded, which waits for others too, is saved and ends all the same', async () => {
    const { running, kept } = start('signal-exit')
    await running.says(/changed/)
    expect(await running.kill('SIGTERM')).toBe('SIGTERM')
    expect(running.stdout()).toContain('signal-exit ran')
    expect(kept()).toBe('{"n":1}')
  })

  it('a program that has closed its store is stopped by a signal as if there had been none', async () => {
    const { running, kept } = start('close')
    await running.says(/changed/)
    expect(kept()).toBe('{"n":1}')
    expect(await running.kill('SIGINT')).toBe('SIGINT')
  })

  it('a program that listens for changes goes on, though it began to listen before its store was open', async () => {
    const { running } = start('listen')
    await running.says(/goes on/)
    expect(await running.kill('SIGTERM')).toBe('SIGTERM')
  })

  it('a program whose broker is away says what it waits for, and a second signal ends it', async () => {
    const broker = await startAedes()
    const running = runProgram(program, [broker.url, 'broker'], directory)
    await running.says(/open/)
    await broker.stop()
    await running.says(/changed/)
    running.child.kill('SIGINT')
    await waitFor(() => /for up to 5 s; .* Another SIGINT/.test(running.stderr()), { what: 'a word' })
    expect(await running.kill('SIGINT')).toBe(130)
  })

  it('a program that cannot save says so on its way out', async () => {
    const { running } = start('end', 'too-large')
    expect(await running.ended()).toBe(0)
    expect(running.stderr()).toMatch(/ERR_PERSIST_TOO_LARGE.*pool\.json/)
  })
})
