import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Backend, BackendListener } from '../../src/backend.ts'
import { fileBackend } from '../../src/backends/file.ts'
import { memoryBackend, memoryPlace } from '../../src/backends/memory.ts'
import { mqttBackend } from '../../src/backends/mqtt.ts'
import { backendConformance, type ConformancePlace } from '../../src/testing/index.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'

async function memory(): Promise<ConformancePlace> {
  const place = memoryPlace()
  return { backend: () => memoryBackend(place), cleanUp: async () => {} }
}

async function file(): Promise<ConformancePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'persist-mqtt-'))
  return {
    backend: () => fileBackend(join(directory, 'pool.json')),
    cleanUp: () => rm(directory, { recursive: true }),
  }
}

/** A broker of its own for every case: no case finds what another has left. */
function mqtt(start: () => Promise<RunningBroker>, protocolVersion: 'auto' | 4 | 5) {
  return async (): Promise<ConformancePlace> => {
    const broker = await start()
    return {
      backend: () => mqttBackend({ url: broker.url, topic: 'stat/conformance/PersistMQTT', protocolVersion }),
      cleanUp: () => broker.stop(),
    }
  }
}

describe('the memory backend conforms', () => backendConformance({ test: it, place: memory }))
describe('the file backend conforms', () => backendConformance({ test: it, place: file }))
describe('the MQTT backend conforms on Aedes', () => {
  backendConformance({ test: it, place: mqtt(() => startAedes(), 'auto') })
})
describe.skipIf(!mosquittoAvailable)('the MQTT backend conforms on Mosquitto', () => {
  for (const version of [4, 5] as const) {
    describe(`with protocol version ${version}`, () => {
      backendConformance({ test: it, place: mqtt(() => startMosquitto(), version) })
    })
  }
})

/** Runs the suite on a backend and gives the names of the cases that failed. */
async function failures(spoil: (backend: Backend) => Partial<Backend>): Promise<string[]> {
  const failed: string[] = []
  const cases: [name: string, run: () => Promise<void>][] = []
  backendConformance({
    test: (name, run) => cases.push([name, run]),
    async place() {
      const at = await memory()
      return {
        ...at,
        backend() {
          const backend = at.backend()
          return { ...backend, ...spoil(backend) }
        },
      }
    },
  })
  for (const [name, run] of cases) await run().catch(() => failed.push(name))
  return failed
}

describe('the conformance suite finds', () => {
  it('nothing in a good backend', async () => {
    expect(await failures(() => ({}))).toEqual([])
  })

  it('a backend that acknowledges and drops', async () => {
    expect(await failures(() => ({ write: async () => 'written' }))).toContain('holds the last of several writes')
  })

  it('a backend that resolves before it holds anything', async () => {
    const early = await failures((backend) => ({
      async write(bytes, limitMs) {
        setTimeout(() => backend.write(bytes, limitMs).catch(() => {}), 50)
        return 'written'
      },
    }))
    expect(early).toContain('holds what was written as soon as the write has resolved')
  })

  it("a backend that keeps its caller's bytes", async () => {
    const kept = await failures((backend) => ({
      async write(bytes, limitMs) {
        await Promise.resolve()
        return backend.write(bytes, limitMs)
      },
    }))
    expect(kept).toContain("has bytes of its own, not its caller's")
  })

  it('a backend that reports its own writes', async () => {
    const noisy = await failures((backend) => {
      let told: BackendListener
      return {
        open(listener, limitMs) {
          told = listener
          return backend.open(listener, limitMs)
        },
        async write(bytes, limitMs) {
          const outcome = await backend.write(bytes, limitMs)
          told.changed(bytes)
          return outcome
        },
      }
    })
    expect(noisy).toContain('never reports its own writes')
  })

  it('a backend that shows its password', async () => {
    const secret = await failures(() => ({ place: 'mqtt://me:secret@broker' }))
    expect(secret).toEqual(['says where the pool is, without a password'])
  })

  it('a backend that writes when it is closed', async () => {
    const open = await failures(() => ({ close: async () => {} }))
    expect(open).toContain('refuses to write when it is closed')
  })
})
