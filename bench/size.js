// @ts-check
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** What a file takes at least on most file systems, in bytes. */
const BLOCK = 4096

/** How large what one installs is, and a page that has a store. @returns {Promise<import('./report.js').Section>} */
export async function size() {
  const packed = packedSize()
  const others = dependencies()
  const installed = packed.unpacked + others.bytes
  const page = await pageSize()
  const megabytes = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(2)} MB`
  return {
    title: 'Sizes',
    text: '`npm install persist-mqtt` into an empty folder, from what `npm pack` would send and from package-lock.json; each file counts as whole blocks of 4 KiB, as on a disk. The page is `openStore` in a bundle for browsers, minified and gzipped.',
    head: ['', ''],
    rows: [
      ['packages', String(1 + others.count)],
      ['all of them installed', megabytes(installed)],
      ['persist-mqtt itself, installed', megabytes(packed.unpacked)],
      ['persist-mqtt itself, packed', megabytes(packed.packed)],
      ['a page with a store', `${(page / 1000).toFixed(1)} kB`],
    ],
    targets: [
      { what: 'Packages that `npm install persist-mqtt` brings', most: 1, is: 1 + others.count },
      { what: 'What it installs, MB', most: 2.5, is: installed / 1e6 },
      { what: 'A page with a store, minified and gzipped, kB', most: 46, is: page / 1000 },
    ],
  }
}

function packedSize() {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: ROOT, stdio: 'pipe' }).toString(),
  )
  const sizes = packed.files.map((/** @type {{ size: number }} */ file) => file.size)
  return { packed: Number(packed.size), unpacked: onDisk(sizes) }
}

/** The packages that are installed with this one. */
function dependencies() {
  /** @type {{ packages: Record<string, { dev?: true, devOptional?: true, peer?: true }> }} */
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  const wanted = Object.entries(packages).filter(([path, { dev, devOptional, peer }]) => {
    return path !== '' && !dev && !devOptional && !peer
  })
  return { count: wanted.length, bytes: onDisk(wanted.flatMap(([path]) => fileSizes(join(ROOT, path)))) }
}

/** Without the packages in it, which are listed themselves. @param {string} directory @returns {number[]} */
function fileSizes(directory) {
  return readdirSync(directory, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .flatMap((entry) => {
      const path = join(directory, entry.name)
      return entry.isDirectory() ? fileSizes(path) : [statSync(path).size]
    })
}

/** @param {readonly number[]} sizes */
function onDisk(sizes) {
  return sizes.reduce((sum, size) => sum + Math.ceil(size / BLOCK) * BLOCK, 0)
}

async function pageSize() {
  const { outputFiles } = await build({
    stdin: { contents: "export { openStore } from 'persist-mqtt'", resolveDir: ROOT },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'error',
  })
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
}
