import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { newTopic } from '../backends/mqtt/fixture.ts'
import { startAedes } from '../helpers/aedes.ts'
import { atExit } from '../helpers/at-exit.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { makeCertificates } from '../helpers/certificates.ts'
import { startDelayProxy } from '../helpers/delay-proxy.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor, within } from '../helpers/wait.ts'

let program: string
beforeAll(async () => {
  program = join(temporaryDirectory(), 'idle-program.cjs')
  const entry = new URL('idle-program.ts', import.meta.url).pathname
  // Bundled, so that plain Node runs it without a build.
  await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: program,
    logLevel: 'error',
  })
})

function start(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  atExit(() => child.kill('SIGKILL'))
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const ended = once(child, 'close')
  return {
    output: () => output,
    /** Exit code and output; the limit is far below the keepalive, and any timer that would hold the process. */
    ended: async () => ({
      code: (await within(ended, { what: 'the end of the program', limitMs: 10_000 }))[0],
      output,
    }),
  }
}

test('an open connection does not keep a program alive, and a write is finished before it ends', async () => {
  const broker = await startAedes()
  onTestFinished(() => broker.stop())
  for (const url of [broker.url, broker.webSocketUrl]) {
    expect(await start(url, newTopic()).ended()).toEqual({ code: 0, output: 'written\n' })
    expect(await start(url, newTopic(), 'close').ended()).toEqual({ code: 0, output: 'written\n' })
  }
})

test.skipIf(!mosquittoAvailable)('an open connection with TLS does not keep a program alive', async () => {
  const broker = await startMosquitto({ certificates: makeCertificates(), webSocket: true })
  onTestFinished(() => broker.stop())
  for (const url of [broker.url, broker.webSocketUrl ?? '']) {
    expect(await start(url, newTopic()).ended()).toEqual({ code: 0, output: 'written\n' })
  }
})

test('opening keeps a program alive until the limit, and nothing is left after that', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as AddressInfo
  const opening = start(`mqtt://127.0.0.1:${port}`, newTopic())
  expect(await opening.ended()).toEqual({ code: 0, output: 'ERR_PERSIST_TIMEOUT\n' })
})

test('trying to connect again does not keep a program alive', async () => {
  const broker = await startAedes()
  onTestFinished(() => broker.stop())
  const proxy = await startDelayProxy({ target: broker.url })
  onTestFinished(() => proxy.close())
  const idle = start(proxy.url, newTopic(), 'offline')
  await waitFor(() => idle.output() === 'written\n', { what: 'the program to write' })
  // Connections are taken from now on, and get no answer.
  proxy.freeze()
  proxy.cut()
  expect(await idle.ended()).toEqual({ code: 0, output: 'written\noffline\n' })
})
