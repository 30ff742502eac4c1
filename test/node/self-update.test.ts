import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { isNewer } from '../../src/node/self-update.ts'
import { VERSION } from '../../src/runtime/version.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const path = process.env.PATH
afterEach(() => {
  process.env.PATH = path
})

/** Puts a command called npm on the PATH, and nothing else: no test may depend on what is published. */
function npmThat(script: string): void {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'npm'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(directory, 'npm'), 0o755)
  process.env.PATH = directory
}

describe('selfUpdate()', () => {
  const open = () => new HeldBackend().openers.openStore({ name: 'updated', saveOnExit: false })

  it('selfUpdate() tells of a newer version, and how to install it', async () => {
    npmThat('[ "$*" = "view persist-mqtt version" ] && echo 99.1.2')
    expect(await (await open()).selfUpdate()).toEqual({
      current: VERSION,
      latest: '99.1.2',
      newer: true,
      command: 'npm install persist-mqtt@99.1.2',
    })
  })

  it('selfUpdate() says so where there is no answer', async () => {
    npmThat('echo "E404 not found" >&2; exit 1')
    await expect((await open()).selfUpdate()).rejects.toMatchObject({ code: 'ERR_PERSIST_CONNECT' })
    process.env.PATH = temporaryDirectory()
    await expect((await open()).selfUpdate()).rejects.toThrow(/could not be asked for: .*npm/)
  })

  it.each([
    ['1.0.0', '0.9.9', true],
    ['0.10.0', '0.9.0', true],
    ['0.1.1', '0.1.0', true],
    ['0.1.0', '0.1.0', false],
    ['0.1.0', '0.2.0', false],
    ['2.0.0-beta.1', '1.0.0', false],
    ['', '1.0.0', false],
  ])('%s after %s is newer: %s', (latest, current, newer) => expect(isNewer(latest, current)).toBe(newer))
})

it('the version is the one of package.json', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(VERSION).toBe(version)
})
