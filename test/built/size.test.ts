import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import { installedAlone } from './installed.ts'

/** What most file systems keep files in, and what `du` counts. */
const BLOCK_BYTES = 4096

let directory: string
beforeAll(() => {
  directory = installedAlone()
})

test('an installation is one package, of at most 2.5 MB on the disk', () => {
  const packages = join(directory, 'node_modules')
  expect(readdirSync(packages).filter((name) => !name.startsWith('.'))).toEqual(['persist-mqtt'])
  const paths = ['.', ...readdirSync(packages, { recursive: true, encoding: 'utf8' })].map((path) =>
    join(packages, path),
  )
  const blocks = paths.map((path) => Math.ceil(statSync(path).size / BLOCK_BYTES))
  expect(blocks.reduce((sum, count) => sum + count) * BLOCK_BYTES).toBeLessThan(2_500_000)
})

/** The size of a page's code, minified and gzipped, as servers send it; all parts of it. */
async function pageBytes(code: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: directory },
    bundle: true,
    minify: true,
    // Node's modules are none of a browser's: one that came along would be an error.
    platform: 'browser',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  })
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0)
}

test.each([
  ['openStore', 'persist-mqtt', 47_000],
  // Nothing of MQTT is in it.
  ['openStore', 'persist-mqtt/memory', 26_500],
])('a page with %s of %s has at most %d bytes', async (name, entry, limit) => {
  expect(await pageBytes(`export { ${name} } from '${entry}'`)).toBeLessThan(limit)
})
