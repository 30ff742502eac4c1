import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { ROOT } from './snippets.ts'

/** Packs this package and installs it into an empty folder, as users do; returns the folder. Nothing is downloaded. */
export function installedAlone(): string {
  const directory = temporaryDirectory()
  const home = temporaryDirectory()
  const npm = (cwd: string, ...args: string[]) =>
    execFileSync('npm', [...args, '--ignore-scripts', '--offline', '--no-audit', '--no-fund', '--no-update-notifier'], {
      cwd,
      // Not what an outer npm sets, which would be for that folder.
      env: { PATH: process.env.PATH, HOME: home },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const [packed] = JSON.parse(npm(ROOT, 'pack', '--json', '--pack-destination', home)) as { filename: string }[]
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  npm(directory, 'install', join(home, packed?.filename ?? ''))
  return directory
}
