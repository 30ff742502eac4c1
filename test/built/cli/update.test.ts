import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VERSION } from '../../../src/runtime/version.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { Cli } from './cli.ts'

/** A program called npm, first on the PATH, that answers like it: no test may depend on what is published. */
function withNpm(script: string): Cli {
  const bin = join(temporaryDirectory(), 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return new Cli('mqtt://127.0.0.1:1', { PATH: `${bin}:${process.env.PATH}` })
}

const answering = (version: string) => withNpm(`[ "$*" = "view persist-mqtt version" ] && echo ${version}`)

test('update tells of a newer version, and how to install it', async () => {
  const cli = answering('99.0.1')
  const command = 'npm install persist-mqtt@99.0.1'
  expect(await cli.run('update')).toEqual({
    code: 0,
    out: `99.0.1 is published, this is ${VERSION}. To install it:\n  ${command}\n`,
    err: '',
  })
  expect(JSON.parse(await cli.out('update', '--json'))).toEqual({
    current: VERSION,
    latest: '99.0.1',
    newer: true,
    command,
  })
})

test('update says so where there is no newer version', async () => {
  expect(await answering(VERSION).out('update')).toBe(`${VERSION} is the latest version.\n`)
  expect(await answering('0.0.1').out('update')).toBe(`This is ${VERSION}; the latest that is published is 0.0.1.\n`)
})

test.each([
  ['npm fails', 'echo "npm error code E404" >&2; echo "npm error 404 Not Found" >&2; exit 1', 'npm error code E404'],
  ['npm fails and says nothing', 'exit 1', 'Command failed: npm view persist-mqtt version'],
  ['npm answers nothing', 'exit 0', 'npm answered with no version'],
  ['npm answers with something else', "printf '1.0\\033[2J'", 'npm answered with no version'],
])('where %s, it could not be asked for', async (_, script, reason) => {
  expect(await withNpm(script).run('update')).toEqual({
    code: 1,
    out: '',
    err: `persist-mqtt: The latest version of persist-mqtt could not be asked for: ${reason}.\n`,
  })
})
