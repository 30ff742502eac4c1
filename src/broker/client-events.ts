import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Client, ConnectPacket } from 'aedes'
import { reasonOf } from '../runtime/errors.ts'

/** An event of a client. Id and user are as the client sent them, unchecked. */
export interface ClientEvent {
  readonly kind: 'connected' | 'disconnected' | 'refused' | 'failed' | 'denied'
  readonly clientId: string
  readonly username?: string
  /** The address that it connects from. */
  readonly address?: string
  /** Why it was refused or failed, or why its connection broke. */
  readonly reason?: string
}

interface Known {
  facts: Omit<ClientEvent, 'kind' | 'reason'>
  isConnected: boolean
  wasDenied: boolean
  /** Its last event was emitted. */
  isOver: boolean
  reason?: string
}

// Aedes has no type for this protocol version, which it refuses.
const MQTT_5 = 5

/**
 * Emits one event for each connection, end and refusal: Aedes emits an error for each message that it could not
 * deliver, and a further one for a refusal.
 */
export class ClientEvents {
  readonly #tell: (event: ClientEvent) => void
  readonly #known = new WeakMap<Client, Known>()

  constructor(aedes: EventEmitter, tell: (event: ClientEvent) => void) {
    this.#tell = tell
    aedes.on('clientReady', (client: Client) => this.#connected(client))
    aedes.on('clientDisconnect', (client: Client) => this.#disconnected(client))
    for (const event of ['clientError', 'connectionError'])
      aedes.on(event, (client: Client, error: unknown) => this.#failed(client, error))
  }

  /** To be called with each new connection: its address is unknown once it has failed. */
  came(client: Client): Client {
    this.#of(client)
    return client
  }

  /** To be called with a client's CONNECT packet, before all other events of that client. */
  arrived(client: Client, { clientId, username, protocolVersion }: ConnectPacket): void {
    const known = this.#of(client)
    known.facts = { ...known.facts, clientId, ...(username !== undefined && { username }) }
    if ((protocolVersion as number) === MQTT_5) known.reason = 'it speaks MQTT 5, and this broker MQTT 3.1.1'
  }

  refused(client: Client): void {
    this.#end(client, 'refused', 'wrong user name or password')
  }

  /** A client has published what it may not; the first one only is told. */
  denied(client: Client, topic: string): void {
    const known = this.#of(client)
    if (known.wasDenied) return
    known.wasDenied = true
    this.#tell({ kind: 'denied', ...known.facts, clientId: client.id, reason: `it may not write ${topic}` })
  }

  /** A connection was refused before it was a client's. */
  stranger({ remoteAddress }: Socket, reason: string): void {
    this.#tell({
      kind: 'refused',
      clientId: '',
      ...(remoteAddress !== undefined && { address: remoteAddress }),
      reason,
    })
  }

  #connected(client: Client): void {
    const known = this.#of(client)
    known.isConnected = true
    this.#tell({ kind: 'connected', ...known.facts, clientId: client.id })
  }

  #disconnected(client: Client): void {
    if (this.#of(client).isConnected) this.#end(client, 'disconnected')
  }

  #failed(client: Client, error: unknown): void {
    const known = this.#of(client)
    // After the end, all messages under way fail: those errors are not its reason.
    if (known.isConnected && !client.closed) known.reason ??= reasonOf(error)
    if (!known.isConnected) this.#end(client, known.reason === undefined ? 'failed' : 'refused', reasonOf(error))
  }

  #end(client: Client, kind: ClientEvent['kind'], because?: string): void {
    const known = this.#of(client)
    if (known.isOver) return
    known.isOver = true
    const reason = known.reason ?? because
    const clientId = client.id || known.facts.clientId
    this.#tell({ kind, ...known.facts, clientId, ...(reason !== undefined && { reason }) })
  }

  #of(client: Client): Known {
    let known = this.#known.get(client)
    if (known === undefined) {
      const { remoteAddress: address } = socketOf(client)
      const facts = { clientId: '', ...(address !== undefined && { address }) }
      known = { facts, isConnected: false, wasDenied: false, isOver: false }
      this.#known.set(client, known)
    }
    return known
  }
}

/** The network connection of a client; over WebSocket, that of the HTTP request. */
export function socketOf({ conn, req }: Client): Socket {
  return req?.socket ?? (conn as Socket)
}
