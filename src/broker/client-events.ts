import type { EventEmitter } from 'node:events'
import type { Client, ConnectPacket } from 'aedes'
import { reasonOf } from '../runtime/errors.ts'

/** What a client has done. Id and user are what the client says of itself. */
export interface ClientEvent {
  readonly kind: 'connected' | 'disconnected' | 'refused' | 'failed'
  readonly clientId: string
  readonly username?: string
  /** Where it comes from. */
  readonly address?: string
  /** Why it was refused or failed, or why its connection ended, where that was not in order. */
  readonly reason?: string
}

interface Known {
  facts: Omit<ClientEvent, 'kind' | 'reason'>
  isConnected: boolean
  /** Nothing more is told of it. */
  isOver: boolean
  reason?: string
}

// Aedes does not export the type of its versions; 5 is what it refuses.
const MQTT_5 = 5

/**
 * Tells of clients once each: Aedes has an error for every message that it could not deliver, and one more for a refusal.
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

  /** A connection is there; where it comes from is not to be had any more when it has failed. */
  came(client: Client): Client {
    this.#of(client)
    return client
  }

  /** What a client says of itself; to be called with its CONNECT, before anything else is known of it. */
  arrived(client: Client, { clientId, username, protocolVersion }: ConnectPacket): void {
    const known = this.#of(client)
    known.facts = { ...known.facts, clientId, ...(username !== undefined && { username }) }
    if ((protocolVersion as number) === MQTT_5) known.reason = 'it speaks MQTT 5, and this broker MQTT 3.1.1'
  }

  refused(client: Client): void {
    this.#end(client, 'refused', 'wrong user name or password')
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
    // After the end, every message that was under way fails: that is no reason for it.
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
      const address = addressOf(client)
      const facts = { clientId: '', ...(address !== undefined && { address }) }
      known = { facts, isConnected: false, isOver: false }
      this.#known.set(client, known)
    }
    return known
  }
}

/** Over WebSocket, the socket is the one of the request. */
function addressOf({ conn, req }: Client): string | undefined {
  const socket = req?.socket ?? conn
  return 'remoteAddress' in socket && typeof socket.remoteAddress === 'string' ? socket.remoteAddress : undefined
}
