import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { ROOT } from './snippets.ts'

/** A program in TypeScript that uses this package, with as little beside it as may be. */
function project(name: string, code: string, compilerOptions: object): string {
  const directory = temporaryDirectory()
  mkdirSync(join(directory, 'node_modules/@types'), { recursive: true })
  symlinkSync(ROOT, join(directory, 'node_modules/persist-mqtt'), 'dir')
  for (const each of ['react', '@types/react']) {
    symlinkSync(join(ROOT, 'node_modules', each), join(directory, 'node_modules', each), 'dir')
  }
  writeFileSync(join(directory, name), code)
  const config = {
    compilerOptions: { strict: true, noEmit: true, module: 'nodenext', types: [], ...compilerOptions },
    files: [name],
  }
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
  return directory
}

function compiled(directory: string): string {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  try {
    return execFileSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

test('the declarations of all entry points compile with an older library, checked themselves, without types of Node', () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: object }
  const entries = Object.keys(exports).filter((entry) => entry !== './package.json')
  const code = entries.map((entry, index) => `export * as e${index} from 'persist-mqtt${entry.slice(1)}'\n`).join('')
  const options = { target: 'es2022', lib: ['ES2022', 'DOM'], skipLibCheck: false }
  expect(compiled(project('program.mts', code, options))).toBe('')
})

test('persist-mqtt/auto cannot be required: the error and its type say how to import it', () => {
  const error = {
    name: 'PersistError',
    code: 'ERR_PERSIST_NOT_READY',
    message: expect.stringContaining('(await import("persist-mqtt/auto")).default'),
  }
  expect(() => createRequire(import.meta.url)('persist-mqtt/auto')).toThrow(expect.objectContaining(error))
  const code = "import pt from 'persist-mqtt/auto'\npt.counter = 1\n"
  expect(compiled(project('program.cts', code, {}))).toContain('use import() in the place of require()')
})
