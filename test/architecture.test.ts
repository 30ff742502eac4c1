import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

/**
 * What the files of each folder of src/ may import beside one another: folders, single files, packages (npm:), and what
 * only Node has (node:*). From the ground up: a row names only rows above it, so no import runs upwards and none in a
 * circle. `doors` are the entry points, which alone lie in src/ itself.
 */
const MAY_IMPORT: { readonly [folder: string]: readonly string[] } = {
  runtime: [],
  format: ['runtime'],
  schema: ['format', 'runtime'],
  contracts: ['schema', 'format', 'runtime'],
  merge: ['contracts', 'format', 'runtime'],
  variables: ['format', 'runtime'],
  store: ['variables', 'merge', 'schema', 'contracts', 'format', 'runtime'],
  'mqtt/codec': [],
  'mqtt/transport': ['runtime', 'npm:ws', 'node:*'],
  mqtt: ['mqtt/codec', 'mqtt/transport', 'runtime'],
  node: ['runtime', 'node:*'],
  backends: ['mqtt', 'node', 'contracts', 'format', 'runtime', 'node:*'],
  open: ['backends', 'node', 'store', 'variables', 'contracts', 'format', 'runtime'],
  doors: ['open', 'backends', 'store', 'variables', 'merge', 'schema', 'contracts', 'format', 'runtime'],
  'home-assistant': ['schema', 'contracts', 'format', 'runtime'],
  testing: ['open', 'store', 'contracts', 'format', 'runtime'],
  pools: ['doors', 'open', 'backends', 'mqtt', 'store', 'format', 'runtime', 'node:*'],
  adapters: ['doors', 'format', 'runtime', 'npm:react'],
  broker: ['node', 'format', 'runtime', 'npm:aedes', 'npm:ws', 'node:*'],
  inspector: ['doors', 'pools', 'node', 'format', 'runtime', 'node:*'],
  'inspector/page': ['inspector/protocol.ts', 'npm:preact', 'npm:@preact/signals', 'npm:uplot'],
  cli: ['doors', 'pools', 'inspector', 'broker', 'node', 'format', 'runtime', 'node:*'],
}

const FOLDERS = Object.keys(MAY_IMPORT)

/** Paths in src/ of all files with code, but for what builds the page. */
const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('vite.config.ts'))

/** The deepest row that a file belongs to. */
function folderOf(file: string): string {
  if (!file.includes('/')) return 'doors'
  const folders = FOLDERS.filter((folder) => file.startsWith(`${folder}/`))
  return folders.toSorted((a, b) => b.length - a.length)[0] ?? dirname(file)
}

/** All that a file imports, types too: paths in src/, or packages as in the table. */
function importsOf(file: string): string[] {
  const code = readFileSync(join(SRC, file), 'utf8')
  const names = code.matchAll(/^(?:import|export|\}) [^'`]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)
  return Array.from(names, ([, from, alone, later]) => {
    const name = (from ?? alone ?? later) as string
    if (name.startsWith('.')) return relative(SRC, join(SRC, dirname(file), name)).replaceAll('\\', '/')
    if (name.startsWith('node:')) return name
    return `npm:${/^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0]}`
  })
}

function isAllowed(file: string, imported: string): boolean {
  const folder = folderOf(file)
  const allowed = MAY_IMPORT[folder] ?? []
  if (imported.startsWith('node:')) return allowed.includes('node:*')
  if (imported.startsWith('npm:') || allowed.includes(imported)) return allowed.includes(imported)
  return folderOf(imported) === folder || allowed.includes(folderOf(imported))
}

test('every file lies in a folder that has a row', () => {
  expect(FILES.filter((file) => !FOLDERS.includes(folderOf(file)))).toEqual([])
  expect(FOLDERS.filter((folder) => !FILES.some((file) => folderOf(file) === folder))).toEqual([])
})

test('each folder imports only what its row allows', () => {
  const wrong = FILES.flatMap((file) =>
    importsOf(file)
      .filter((imported) => !isAllowed(file, imported))
      .map((imported) => `${file} imports ${imported}: ${folderOf(file)} may import ${MAY_IMPORT[folderOf(file)]}`),
  )
  expect(wrong).toEqual([])
})

test('a row names only folders above it, and only what is used', () => {
  for (const [index, folder] of FOLDERS.entries()) {
    const used = new Set(FILES.filter((file) => folderOf(file) === folder).flatMap(importsOf))
    for (const allowed of MAY_IMPORT[folder] ?? []) {
      const isUsed = (name: string) =>
        name === allowed || folderOf(name) === allowed || `${name.split(':')[0]}:*` === allowed
      expect(Array.from(used).some(isUsed), `${folder} does not import ${allowed} any more`).toBe(true)
      if (/^(npm|node):/.test(allowed)) continue
      const row = FOLDERS.indexOf(allowed.endsWith('.ts') ? folderOf(allowed) : allowed)
      expect(row, `${folder} imports ${allowed}, which is no row above it`).toBeLessThan(index)
      expect(row, `${allowed} is no row`).toBeGreaterThanOrEqual(0)
    }
  }
})

test('the table sees imports of every form', () => {
  expect(importsOf('auto.ts')).toContain('index.ts')
  expect(importsOf('mqtt/transport/node.ts')).toEqual(expect.arrayContaining(['node:net', 'node:tls', 'npm:ws']))
  expect(importsOf('inspector/page/main.tsx')).toContain('npm:preact')
  expect(isAllowed('store/store.ts', 'node:fs')).toBe(false)
  expect(isAllowed('store/store.ts', 'npm:ws')).toBe(false)
  expect(isAllowed('store/store.ts', 'backends/memory.ts')).toBe(false)
})
