import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { fileBackend } from '../../src/backends/file/file-backend.ts'
import { memoryBackend, memoryPlace } from '../../src/backends/memory.ts'
import { mqttBackend } from '../../src/backends/mqtt/mqtt-backend.ts'
import { backendConformance, type ConformanceOptions, type ConformancePlace } from '../../src/testing/index.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { freePort } from '../helpers/free-port.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient } from '../helpers/mqtt-client.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

describe('the memory backend conforms', () => {
  backendConformance({ test, place: memory, notices: 'at once' })
})

describe('the file backend conforms', () => {
  backendConformance({ test, place: file, notices: 'at the next write', unreachable: () => fileBackend('/') })
})

describe('the MQTT backend conforms on Aedes', () => {
  backendConformance(mqtt(() => startAedes(), 'auto'))
})

describe.skipIf(!mosquittoAvailable)('the MQTT backend conforms on Mosquitto', () => {
  for (const version of [4, 5] as const) {
    describe(`with protocol version ${version}`, () => {
      backendConformance(mqtt(() => startMosquitto(), version))
    })
  }
})

function memory(): ConformancePlace {
  const place = memoryPlace()
  return {
    backend: () => memoryBackend(place),
    writeElsewhere: async (bytes) => place.replace(bytes),
    cleanUp: async () => {},
  }
}

function file(): ConformancePlace {
  const directory = temporaryDirectory()
  const path = join(directory, 'pool.json')
  return {
    backend: () => fileBackend(path),
    writeElsewhere: (bytes) => (bytes === null ? rm(path) : writeFile(path, bytes)),
    cleanUp: () => rm(directory, { recursive: true }),
  }
}

/** A broker of its own for every case: no case finds what another has left. */
function mqtt(start: () => Promise<RunningBroker>, protocolVersion: 'auto' | 4 | 5): ConformanceOptions {
  const topic = 'stat/conformance/PersistMQTT'
  return {
    test,
    notices: 'at once',
    async place() {
      const broker = await start()
      return {
        backend: () => mqttBackend({ url: broker.url, topic, protocolVersion }),
        // MQTT 3.1.1, 3.3.1.3: an empty retained message deletes what is retained.
        async writeElsewhere(bytes) {
          const client = await connectClient(broker.url)
          await client.publishAsync(topic, Buffer.from(bytes ?? []), { qos: 1, retain: true })
          await client.endAsync()
        },
        cleanUp: () => broker.stop(),
      }
    },
    unreachable: async () => mqttBackend({ url: `mqtt://127.0.0.1:${await freePort()}`, topic, protocolVersion }),
  }
}
