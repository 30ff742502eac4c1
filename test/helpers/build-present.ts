import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Before the tests of the built package: they would test nothing, or yesterday's code, without a fresh dist/. */
export function setup(): void {
  const built = newest(join(root, 'dist'))
  if (built === 0) throw new Error('dist/ is missing, and these tests run the built package: npm run build')
  if (newest(join(root, 'src')) > built) throw new Error('dist/ is older than src/: npm run build')
}

/** When the last file under this folder was written, in ms since 1970; 0 if there is none. */
function newest(folder: string): number {
  if (!existsSync(folder)) return 0
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
  const files = entries.filter((entry) => entry.isFile())
  return Math.max(0, ...files.map((file) => statSync(join(file.parentPath, file.name)).mtimeMs))
}
