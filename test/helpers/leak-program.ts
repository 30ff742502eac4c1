import type { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Openers } from '../../src/open/open-store.ts'

/** What the program has left, each time all that can be collected is. */
export interface Sample {
  /** Rounds so far. */
  readonly rounds: number
  /** Of the heap, and outside of it, in bytes. */
  readonly heap: number
  readonly outside: number
  /** What libuv has open, also where it does not keep the process alive, and listeners of the process, by kind. */
  readonly handles: Readonly<Record<string, number>>
}

interface Task {
  /** One round after another, `count` of them. */
  readonly run: (count: number) => Promise<void>
  readonly end: () => Promise<void>
}

const SAMPLES = 9
const [entry = '', what = '', times = '0', url = '', plantedBytes = '0'] = process.argv.slice(2)
const directory = mkdtempSync(join(tmpdir(), 'persist-mqtt-leak-'))
/** What is lost on purpose, to see that it is found. */
const planted: unknown[] = []

function plant(): void {
  if (plantedBytes !== '0') planted.push(Buffer.alloc(Number(plantedBytes)).toString('latin1'))
}

const options = { url, name: 'garage', saveOnExit: true, file: join(directory, 'pool.json') }

/** A broker is too slow for so many saves that the values of which a store remembers the last some thousand would not show. */
const distinct = url === '' ? Number.POSITIVE_INFINITY : 1000

/** Opens a store, saves something, and closes it. */
function cycles({ openStore }: Openers, journal: boolean): Task {
  return {
    run: async (count) => {
      for (let round = 0; round < count; round++) {
        const pt = await openStore({ ...options, ...(journal && { journal: join(directory, 'journal') }) })
        pt.$on('change', () => {})
        pt.$on('error', (error) => {
          throw error
        })
        pt.counter = (pt.find('counter', 0) as number) + 1
        pt.list = [round, { deep: [round] }]
        await pt.save()
        await pt.$close()
        plant()
      }
    },
    end: async () => {},
  }
}

/** Saves a store that stays open; unawaited: a thousand times before it waits for anything. */
async function saves({ openStore }: Openers, isAwaited: boolean): Promise<Task> {
  const pt = await openStore(options)
  pt.$on('change', () => {})
  pt.list = [0]
  let value = 0
  return {
    run: async (count) => {
      for (let round = 0; round < count; round++) {
        value = (value + 1) % distinct
        pt.counter = value
        ;(pt.list as number[])[0] = value
        const saved = pt.save()
        if (isAwaited || round % 1000 === 999) await saved
        plant()
      }
    },
    end: () => pt.$close(),
  }
}

/** Sums up by kind. */
function counted(kinds: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

interface UvHandle {
  readonly type: string
  readonly is_active: boolean
}

async function sample(rounds: number): Promise<Sample> {
  // What is closed now ends in one of the next turns; what a finalizer lets go of needs a second collection.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    globalThis.gc?.()
  }
  const { heapUsed, external } = process.memoryUsage()
  const { libuv } = process.report.getReport() as unknown as { libuv: UvHandle[] }
  const open = libuv.filter(({ type, is_active }) => is_active && type !== 'loop').map(({ type }) => type)
  const listeners = (process as EventEmitter).eventNames().flatMap((name) => {
    return process.listeners(name as never).map(() => `on ${String(name)}`)
  })
  return { rounds, heap: heapUsed, outside: external, handles: counted([...open, ...listeners]) }
}

async function run(): Promise<void> {
  const openers = (await import(entry)) as Openers
  const kind = what.split(' ')
  const task =
    kind[0] === 'cycles' ? cycles(openers, kind[1] === 'journal') : await saves(openers, kind[1] === 'awaited')
  const each = Math.ceil(Number(times) / SAMPLES)
  for (let taken = 1; taken <= SAMPLES; taken++) {
    await task.run(each)
    console.log(JSON.stringify(await sample(taken * each)))
  }
  await task.end()
}

await run().finally(() => rmSync(directory, { recursive: true, force: true }))
