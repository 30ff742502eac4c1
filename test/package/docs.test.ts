import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { RESERVED_NAMES } from '../../src/store/members.ts'
import { DEFAULTS } from '../../src/store/options.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const README = read('README.md')

const DOCUMENTS = [...readdirSync(ROOT), ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith('.md'),
)

/** The rows of the table that begins with this heading cell, as cells. */
function table(text: string, firstCell: string): string[][] {
  const rows = new RegExp(`^\\| ${firstCell} \\|.*\\n\\| ---.*\\n((?:\\|.*\\n)+)`, 'm').exec(text)?.[1] ?? ''
  // A bar inside a cell is written \|.
  const cells = (row: string) => row.slice(1, -1).split(/(?<!\\)\|/)
  return rows
    .trimEnd()
    .split('\n')
    .map((row) => cells(row).map((cell) => cell.trim()))
}

/** What a cell has in backquotes. */
const codes = (cell = '') => Array.from(cell.matchAll(/`([^`]+)`/g), ([, code = '']) => code)

const firstColumn = (heading: string) => table(README, heading).flatMap(([cell]) => codes(cell))

/** The names of an interface's properties, methods included. */
function propertiesOf(file: string, name: string): string[] {
  const body = new RegExp(`^export interface ${name}\\b.*?\\{\\n(.*?)^\\}`, 'ms').exec(read(file))?.[1] ?? ''
  return Array.from(body.matchAll(/^ {2}(?:readonly )?([\w$]+)[?:(<]/gm), ([, property = '']) => property)
}

test('every error code has its paragraph in docs/errors.md, and no other has one', () => {
  const declared = /export type PersistErrorCode =\n(.*?)\n\n/s.exec(read('src/runtime/errors.ts'))?.[1] ?? ''
  const inCode = Array.from(declared.matchAll(/'(\w+)'/g), ([, code]) => code)
  const text = read('docs/errors.md')
  const described = Array.from(text.matchAll(/^## (ERR_\w+)\n\n\S/gm), ([, code]) => code)
  expect(described).toEqual(inCode.toSorted())
  expect(described.length).toBeGreaterThan(10)
})

test('every code that a document names is one', () => {
  const inCode = new Set(read('src/runtime/errors.ts').match(/ERR_PERSIST_\w+/g))
  for (const document of DOCUMENTS) {
    for (const [code] of read(document).matchAll(/ERR_PERSIST_\w+/g)) expect(inCode, document).toContain(code)
  }
})

test('the README names every member of a store', () => {
  const members = firstColumn('member').map((name) => /^[\w$]+/.exec(name)?.[0])
  // What every JavaScript object has is reserved as well, and no member.
  const reserved = RESERVED_NAMES.filter((name) => name !== '' && name !== '__proto__' && name !== 'constructor')
  expect(members.toSorted()).toEqual(reserved.toSorted())
})

test('the README names every option, with its default', () => {
  const options = propertiesOf('src/store/options.ts', 'StoreOptions')
  expect(firstColumn('option').toSorted()).toEqual(options.toSorted())
  const told = Object.fromEntries(table(README, 'option').map(([name, value]) => [codes(name)[0], codes(value).at(-1)]))
  for (const [name, value] of Object.entries(DEFAULTS)) expect(told[name], name).toBe(String(value))
})

test('every public option has a docblock, and so has every member of a store', () => {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^(?!broker|pools|cli|inspector).*\.ts$/.test(file),
  )
  const bare: string[] = []
  let count = 0
  for (const file of sources) {
    const text = read(`src/${file}`)
    const isPublic = /^export interface (\w*Options|HomeAssistantVariable|LooseStore)\b[^{]*\{\n(.*?)^\}/gms
    for (const [, name, body = ''] of text.matchAll(isPublic)) {
      // What biome is told is between a docblock and its property.
      const lines = body.split('\n').filter((line) => !line.includes('// biome-ignore'))
      for (const [index, line] of lines.entries()) {
        const property = /^ {2}(?:readonly )?(\[?[\w$]+)[?:(<]/.exec(line)?.[1]
        if (property === undefined || /^ {2}readonly /.test(line)) continue
        count += 1
        if (!lines[index - 1]?.endsWith('*/')) bare.push(`${name}.${property}`)
      }
    }
  }
  expect(bare).toEqual([])
  expect(count).toBeGreaterThan(50)
})

test('the README names every event, and every state', () => {
  const events = firstColumn('event').map((name) => name.replaceAll("'", ''))
  expect(events.toSorted()).toEqual(propertiesOf('src/store/events.ts', 'StoreEvents').toSorted())
  const states = Array.from(read('src/store/status.ts').matchAll(/state: ('\w+')/g), ([, state = '']) => state)
  const told = table(README, 'member').find(([name]) => name === '`$status`')?.[1]
  for (const state of states) expect(codes(told)).toContain(state)
})

test('the README names every entry point', () => {
  const { exports, name } = JSON.parse(read('package.json')) as { exports: Record<string, unknown>; name: string }
  for (const entry of Object.keys(exports)) {
    if (entry !== './package.json') expect(README).toContain(entry.replace('.', name))
  }
})

test('ARCHITECTURE.md names all that lies in src/ itself, and no file that is not there', () => {
  const tree = /^```\nsrc\/\n(.*?)^```/ms.exec(read('ARCHITECTURE.md'))?.[1] ?? ''
  const src = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
  for (const entry of src) expect(tree).toContain(entry.isDirectory() ? ` ${entry.name}/ ` : ` ${entry.name}`)
  const all = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  const names = new Set(all.map((file) => file.split(/[\\/]/).at(-1)))
  for (const [, file = ''] of tree.matchAll(/([\w-]+\.ts)\b/g)) expect(names, file).toContain(file)
})

test('the links of all documents lead somewhere', () => {
  let count = 0
  for (const document of DOCUMENTS) {
    for (const [, target = ''] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? document : join(dirname(document), path)
      expect(existsSync(join(ROOT, file)), `${target} in ${document}`).toBe(true)
      if (anchor !== undefined) expect(anchorsOf(file), `${target} in ${document}`).toContain(anchor)
      count += 1
    }
  }
  expect(count).toBeGreaterThan(10)
})

/** The anchors that GitHub gives a document's headings. */
function anchorsOf(file: string): string[] {
  const text = read(file).replaceAll(/^```.*?^```$/gms, '')
  return Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}
