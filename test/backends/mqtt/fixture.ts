import { onTestFinished } from 'vitest'
import { type MqttBackendOptions, mqttBackend } from '../../../src/backends/mqtt/mqtt-backend.ts'
import { NO_LISTENER } from '../../../src/backends/no-listener.ts'
import type { Backend, BackendListener, Held, WriteOutcome } from '../../../src/contracts/backend.ts'
import type { PersistError } from '../../../src/runtime/errors.ts'
import { waitFor } from '../../helpers/wait.ts'

/** What a listener was told, in its order; bytes as text. */
export type Told =
  | { changed: string | null }
  | { reread: string | null }
  | { offline: PersistError }
  | { online: Held }
  | { trouble: PersistError }
  | { ended: PersistError }

export interface OpenBackend {
  readonly backend: Backend
  readonly held: Held
  readonly told: Told[]
  /** Writes text; the limit is 5 seconds where none is given. */
  write(text: string, limitMs?: number): Promise<WriteOutcome>
  /** Waits until the listener was told something of that name, and returns the first one. */
  wait<Name extends 'changed' | 'reread' | 'offline' | 'online' | 'trouble' | 'ended'>(
    name: Name,
  ): Promise<Extract<Told, Record<Name, unknown>>>
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
  const told: Told[] = []
  const listener: BackendListener = {
    changed: (bytes) => told.push({ changed: textOf(bytes) }),
    reread: (bytes) => told.push({ reread: textOf(bytes) }),
    requested: async () => new Uint8Array(),
    offline: (offline) => told.push({ offline }),
    online: (online) => told.push({ online }),
    trouble: (trouble) => told.push({ trouble }),
    ended: (ended) => told.push({ ended }),
  }
  const held = await backend.open(listener, limitMs)
  return {
    backend,
    held,
    told,
    write: (text, writeLimitMs = 5000) => backend.write(bytesOf(text), writeLimitMs),
    wait: async (name) =>
      (await waitFor(() => told.find((entry) => name in entry), { what: `'${name}'`, limitMs: 8000 })) as never,
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

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function textOf(bytes: Uint8Array | null): string | null {
  return bytes && new TextDecoder().decode(bytes)
}
