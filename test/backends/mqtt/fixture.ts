import { onTestFinished } from 'vitest'
import { type MqttBackendOptions, mqttBackend } from '../../../src/backends/mqtt/mqtt-backend.ts'
import { NO_LISTENER } from '../../../src/backends/no-listener.ts'
import type { Backend, Held, WriteOutcome } from '../../../src/contracts/backend.ts'
import type { PersistError } from '../../../src/runtime/errors.ts'
import { bytesOf } from '../../helpers/bytes.ts'
import { RecordingListener, type Told } from '../../helpers/recording-listener.ts'

export interface OpenBackend {
  readonly backend: Backend
  readonly held: Held
  readonly told: Told[]
  /** Writes text; the limit is 5 seconds where none is given. */
  write(text: string, limitMs?: number): Promise<WriteOutcome>
  readonly wait: RecordingListener['wait']
}

export type BackendChoice = Partial<MqttBackendOptions> & Pick<MqttBackendOptions, 'url'>

let count = 0

/** A topic that no other test has. */
export function newTopic(): string {
  count += 1
  return `stat/test${process.pid}x${count}/PersistMQTT`
}

/** A backend that is closed with the test. */
export function makeBackend(choice: BackendChoice): Backend {
  const backend = mqttBackend({ topic: newTopic(), protocolVersion: 'auto', ...choice })
  onTestFinished(() => backend.close())
  return backend
}

/** A backend that is open, and what its listener is told. */
export async function openBackend(choice: BackendChoice, limitMs = 8000): Promise<OpenBackend> {
  const backend = makeBackend(choice)
  const listener = new RecordingListener()
  const held = await backend.open(listener, limitMs)
  return {
    backend,
    held,
    told: listener.told,
    write: (text, writeLimitMs = 5000) => backend.write(bytesOf(text), writeLimitMs),
    wait: (name) => listener.wait(name),
  }
}

/** The error that opening ends with. */
export async function openingError(choice: BackendChoice, limitMs = 8000): Promise<PersistError> {
  const backend = makeBackend(choice)
  return errorOf(backend.open(NO_LISTENER, limitMs))
}

/** What a promise rejects with; that it does not is an error too. */
export async function errorOf(promise: Promise<unknown>): Promise<PersistError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: PersistError) => ({ error }),
  )
  if ('error' in outcome) return outcome.error
  throw new Error(`Resolved with ${JSON.stringify(outcome.value)}, and should have rejected`)
}
