// Bundles test/torture/main.ts, because Node 20 runs no TypeScript, and runs it with the same arguments.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
// In there it finds its packages.
const directory = mkdtempSync(join(root, 'node_modules', '.torture-'))
const outfile = join(directory, 'torture.mjs')

try {
  await build({
    entryPoints: [join(root, 'test/torture/main.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    packages: 'external',
    logLevel: 'error',
  })
  const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' })
  process.exitCode = status ?? 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}
