import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { startAedes } from '../helpers/aedes.ts'
import { connectClient, poolTextAt } from '../helpers/mqtt-client.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { runProgram } from './run-program.ts'

const program = fileURLToPath(new URL('stop-program.js', import.meta.url))

let broker: RunningBroker
beforeAll(async () => {
  broker = await startAedes()
})
afterAll(() => broker.stop())
beforeEach(() => broker.restart())

const start = (...manners: string[]) => runProgram(program, [broker.url, ...manners], process.cwd())

/** What is kept of the three stores. */
function kept(): Promise<(string | undefined)[]> {
  return Promise.all(['first', 'second', 'third'].map((name) => poolTextAt(broker.url, `stat/${name}/PersistMQTT`)))
}

/** Linux: runs a command as the first process of a container of its own. */
const UNSHARE = 'unshare'
const FIRST = ['--user', '--map-root-user', '--fork', '--pid', '--kill-child']
const CAN_BE_FIRST = spawnSync(UNSHARE, [...FIRST, 'true']).status === 0

const ALL = ['{"n":1}', '{"n":1}', '{"n":1}']
const NONE = [undefined, undefined, undefined]

describe('a program with unsaved stores', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'that gets %s saves all of them and ends with that signal',
    async (signal) => {
      const running = start()
      await running.says(/changed/)
      expect(await running.kill(signal)).toBe(signal)
      expect(await kept()).toEqual(ALL)
    },
  )

  it('that has nothing left to do saves all of them and ends by itself', async () => {
    expect(await start('end').ended()).toBe(0)
    expect(await kept()).toEqual(ALL)
  })

  it('saves within a limit, though one store is never answered', async () => {
    const running = start('silent-store')
    await running.says(/changed/)
    expect(await running.kill('SIGTERM')).toBe('SIGTERM')
    expect(await kept()).toEqual(ALL)
  })

  it('and a timer that goes on writing: all are saved, and it ends with the signal', async () => {
    const running = start('write-on')
    await running.says(/changed/)
    expect(await running.kill('SIGTERM')).toBe('SIGTERM')
    expect(running.stdout()).toContain('the slow backend holds it')
    expect(await kept()).toEqual(ALL)
  })

  it.skipIf(!CAN_BE_FIRST)('that is the first process of a container saves all of them and ends', async () => {
    const container = spawn(UNSHARE, [...FIRST, process.execPath, program, broker.url])
    onTestFinished(() => void container.kill('SIGKILL'))
    await once(container.stdout, 'data')
    const ended = once(container, 'close')
    const [child = ''] = readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8').split(' ')
    process.kill(Number(child), 'SIGTERM')
    expect(await ended).toEqual([128 + 15, null])
    expect(await kept()).toEqual(ALL)
  })

  it('in a worker thread, where no signals come, is told so once', async () => {
    const running = start('in-worker')
    await running.says(/changed/)
    await running.kill('SIGTERM')
    expect(running.stderr().match(/WARN_PERSIST_WORKER/g)).toHaveLength(1)
  })

  it('whose own listener ends it: the listener runs, and decides with which code', async () => {
    const running = start('own-listener', 'and-exits')
    await running.says(/changed/)
    expect(await running.kill('SIGTERM')).toBe(7)
    expect(running.stdout()).toContain('own listener ran')
    expect(await kept()).toEqual(ALL)
  })

  it('whose own listener does not end it goes on, saved', async () => {
    const running = start('own-listener')
    await running.says(/changed/)
    running.child.kill('SIGTERM')
    await running.says(/own listener ran/)
    await expect.poll(kept, { timeout: 5000 }).toEqual(ALL)
    expect(running.child.exitCode).toBe(null)
    expect(await running.kill('SIGINT')).toBe('SIGINT')
  })

  it('with saveOnExit false saves nothing', async () => {
    const running = start('unsaved')
    await running.says(/changed/)
    expect(await running.kill('SIGTERM')).toBe('SIGTERM')
    expect(await kept()).toEqual(NONE)
  })

  it('saves at the end of `await using`', async () => {
    expect(await start('using', 'end').ended()).toBe(0)
    expect(await kept()).toEqual(['{"n":1}', undefined, undefined])
  })

  it('stays as long as it listens for changes of others', async () => {
    const running = start('using', 'end', 'listen')
    await running.says(/changed/)
    const client = await connectClient(broker.url)
    await expect
      .poll(
        async () => {
          client.publish('stat/first/PersistMQTT', `{"n":${Date.now()}}`, { retain: true, qos: 1 })
          return running.stdout()
        },
        { timeout: 5000 },
      )
      .toMatch(/heard \d+/)
    client.end(true)
    expect(await running.kill('SIGTERM')).toBe('SIGTERM')
  })
})
