import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { IPublishPacket, MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import type { Backend, BackendListener, Held } from '../../../src/backend.ts'
import { type MqttBackendOptions, mqttBackend } from '../../../src/backends/mqtt.ts'
import type { PersistError } from '../../../src/errors.ts'
import { connectClient, retainedAt } from '../../helpers/mqtt-client.ts'
import type { RunningBroker } from '../../helpers/running-broker.ts'
import { waitFor, within } from '../../helpers/wait.ts'

export const TOPIC = 'stat/garage/PersistMQTT'

/** How long the backend may take in these tests, in milliseconds; what waits for it waits a little longer. */
export const LIMIT_MS = 5000

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function textOf(bytes: Uint8Array | null | undefined): string | null | undefined {
  return bytes ? new TextDecoder().decode(bytes) : bytes
}

/** Starts a broker that ends with the test. */
export async function stopped<T extends RunningBroker>(starting: Promise<T>): Promise<T> {
  const broker = await starting
  onTestFinished(() => broker.stop())
  return broker
}

/** A listener that keeps all it is told, pools as texts. */
export class Listener implements BackendListener {
  readonly changes: (string | null | undefined)[] = []
  readonly offlines: PersistError[] = []
  readonly onlines: Held[] = []
  readonly troubles: PersistError[] = []
  /** Names of the calls, in their order. */
  readonly calls: string[] = []

  changed(bytes: Uint8Array | null): void {
    this.calls.push('changed')
    this.changes.push(textOf(bytes))
  }

  offline(cause: PersistError): void {
    this.calls.push('offline')
    this.offlines.push(cause)
  }

  online(held: Held): void {
    this.calls.push('online')
    this.onlines.push(held)
  }

  trouble(error: PersistError): void {
    this.calls.push('trouble')
    this.troubles.push(error)
  }
}

export interface Opened {
  readonly backend: Backend
  readonly listener: Listener
  readonly held: Held
  write(text: string, limitMs?: number): Promise<'written' | 'superseded'>
}

/** A backend that is not opened yet, and closed when the test ends. */
export function makeBackend(options: Partial<MqttBackendOptions> & { url: string }): Backend {
  const backend = mqttBackend({ topic: TOPIC, ...options })
  onTestFinished(() => backend.close())
  return backend
}

/** Opens a backend that is closed when the test ends. */
export async function openBackend(options: Partial<MqttBackendOptions> & { url: string }): Promise<Opened> {
  const backend = makeBackend(options)
  const listener = new Listener()
  const held = await within(backend.open(listener, LIMIT_MS), { what: 'the backend to open', limitMs: LIMIT_MS + 500 })
  return {
    backend,
    listener,
    held,
    write: (text, limitMs = LIMIT_MS) =>
      within(backend.write(bytesOf(text), limitMs), { what: 'the write to settle', limitMs: limitMs + 500 }),
  }
}

/** The pool as somebody finds it who comes later. */
export async function poolAt(url: string, topic: string = TOPIC): Promise<string | undefined> {
  return (await retainedAt(url, topic))?.payload.toString()
}

/** Replaces the pool as any other program would. */
export async function retain(url: string, payload: string, topic: string = TOPIC): Promise<void> {
  const client = await connectClient(url)
  await client.publishAsync(topic, payload, { qos: 1, retain: true })
  await client.endAsync()
}

/** A bare client that keeps every message of a topic, those that are retained already first. */
export async function observe(
  url: string,
  topic: string = TOPIC,
): Promise<{ client: MqttClient; seen: IPublishPacket[] }> {
  const client = await connectClient(url)
  const seen: IPublishPacket[] = []
  client.on('message', (_topic, _payload, packet) => seen.push(packet))
  await client.subscribeAsync(topic, { qos: 1 })
  return { client, seen }
}

/** A TCP server that is no broker; `meet` gets every connection. */
export interface OddServer {
  readonly url: string
  readonly port: number
  /** How many connections are open. */
  open(): number
  /** How many were made in all. */
  connections(): number
}

export async function startOddServer(meet: (socket: Socket) => void): Promise<OddServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server: Server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    // Read what comes, else the end of the connection is never seen.
    socket.resume()
    meet(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `mqtt://127.0.0.1:${port}`, port, open: () => sockets.size, connections: () => connections }
}

/** The error that a promise rejects with, in time. */
export async function errorOf(promise: Promise<unknown>, limitMs: number = LIMIT_MS): Promise<PersistError> {
  const settled = promise.then(
    (value) => Promise.reject(new Error(`Expected an error, got ${JSON.stringify(value)}`)),
    (error: PersistError) => error,
  )
  return within(settled, { what: 'the error', limitMs: limitMs + 500 })
}

/** Waits until this process has no socket or connection attempt of its own any more. */
export async function nothingLeftOpen(): Promise<void> {
  const isOpen = (name: string) => /TCPSocket|TCPConnect|TLSWrap|GetAddrInfo/i.test(name)
  await waitFor(() => !process.getActiveResourcesInfo().some(isOpen), {
    what: `no socket to be left: ${process.getActiveResourcesInfo()}`,
    limitMs: 2000,
  })
}
