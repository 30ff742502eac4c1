import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startAedes } from '../helpers/aedes.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { outputOf } from './run-program.ts'
import { CHECKS, checkedCode, ROOT, type SnippetFile, snippetsOf, statedResults } from './snippets.ts'

const DOCUMENTS = [
  'README.md',
  'docs/from-tasmota.md',
  'docs/errors.md',
  'docs/guarantees.md',
  'docs/schema.md',
  'docs/keyv.md',
  'docs/unstorage.md',
]

/** A folder with a program in which `persist-mqtt` is installed. */
function projectWith(files: readonly SnippetFile[]): string {
  const directory = temporaryDirectory()
  mkdirSync(join(directory, 'node_modules'))
  symlinkSync(ROOT, join(directory, 'node_modules', 'persist-mqtt'), 'dir')
  for (const name of ['zod', 'keyv', 'unstorage', 'react', 'react-dom', '@types']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(directory, 'node_modules', name), 'dir')
  }
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  for (const { name, code } of files) writeFileSync(join(directory, name), code)
  return directory
}

function withoutTypes(code: string): string {
  const tsconfigRaw = { compilerOptions: { verbatimModuleSyntax: true } }
  return transformSync(code, { loader: 'ts', target: 'es2023', tsconfigRaw }).code
}

for (const document of DOCUMENTS) {
  describe(`what ${document} says`, () => {
    test.each(snippetsOf(document))('$title', async (snippet) => {
      const broker = await startAedes()
      onTestFinished(() => broker.stop())
      const files = snippet.files.map(({ name, code }) => ({
        name: name.replace(/\.ts$/, '.js'),
        code: withoutTypes(checkedCode(code)),
      }))
      const directory = projectWith([CHECKS, ...files])
      const env = { MQTT_URL: broker.url, PERSIST_NAME: 'garage' }
      const output = await outputOf('main.js', [], directory, env)
      expect(output).toContain(`checks made: ${statedResults(snippet)}\n`)
    })
  })
}

test('the snippets state results', () => {
  const stated = DOCUMENTS.flatMap(snippetsOf).map(statedResults)
  expect(stated.reduce((sum, count) => sum + count)).toBeGreaterThan(40)
})

test.each([
  ['README.md', 'ts'],
  ['docs/react.md', 'tsx'],
])('what %s has in TypeScript compiles, and strictly', (document, language) => {
  const text = readFileSync(join(ROOT, document), 'utf8')
  const typed = [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))]
  expect(typed.length).toBeGreaterThan(0)
  const directory = projectWith(typed.map(([, code = ''], index) => ({ name: `snippet-${index}.${language}`, code })))
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      typeRoots: [join(ROOT, 'node_modules/@types')],
      jsx: 'react-jsx',
      declaration: false,
      isolatedDeclarations: false,
    },
    include: [`*.${language}`],
  }
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8' })
  expect(stdout).toBe('')
})
