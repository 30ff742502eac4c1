import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { onTestFinished } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/codec/packets.ts'
import { Connection, type ConnectionSettings } from '../../src/mqtt/connection.ts'
import { parseEndpoint } from '../../src/mqtt/transport/endpoint.ts'
import { waitFor, within } from '../helpers/wait.ts'
import { hex } from './codec/packet-bytes.ts'

/** A packet of a client, as mqtt-packet reads it. */
export type ClientPacket = Packet & {
  topic?: string
  payload?: Uint8Array
  qos?: number
  reasonCode?: number
  clientId?: string
}

/** What a packet makes the server do. */
export type Behaviour = (packet: ClientPacket, peer: Peer) => void

/** The server's end of one connection. Packets are read and written by mqtt-packet, so not by our own codec. */
export class Peer {
  readonly socket: Socket
  readonly packets: ClientPacket[] = []
  /** How the connection ended. */
  readonly ended: Promise<'FIN' | 'RST'>
  /** In so many pieces has come what has come. */
  chunks = 0
  readonly #version: ProtocolVersion

  constructor(socket: Socket, version: ProtocolVersion, behaves: Behaviour) {
    this.socket = socket.setNoDelay(true)
    this.#version = version
    const parser = mqttPacket.parser({ protocolVersion: version })
    parser.on('packet', (packet) => {
      this.packets.push(packet as ClientPacket)
      behaves(packet as ClientPacket, this)
    })
    socket.on('data', (data) => {
      this.chunks += 1
      parser.parse(data)
    })
    this.ended = new Promise((resolve) => {
      socket.on('end', () => resolve('FIN'))
      socket.on('error', () => resolve('RST'))
      socket.on('close', () => resolve('RST'))
    })
  }

  /** In one write. */
  send(...packets: object[]): void {
    this.write(
      Buffer.concat(packets.map((packet) => mqttPacket.generate(packet as Packet, { protocolVersion: this.#version }))),
    )
  }

  /** Bytes, or how they are written in a test: `'20 03 0000 00'`. */
  write(bytes: Uint8Array | string): void {
    this.socket.write(typeof bytes === 'string' ? hex(bytes) : bytes)
  }

  all(cmd: string): ClientPacket[] {
    return this.packets.filter((packet) => packet.cmd === cmd)
  }

  /** All packets of that kind, when there are so many. */
  async wait(cmd: string, count = 1): Promise<ClientPacket[]> {
    await waitFor(() => this.all(cmd).length >= count, { what: `${count} times ${cmd}` })
    return this.all(cmd)
  }
}

export interface ScriptedServer {
  readonly url: string
  readonly peers: readonly Peer[]
  /** The next one to come, or the first. */
  peer(index?: number): Promise<Peer>
}

/** A server whose every packet a test decides. */
export async function startScriptedServer(version: ProtocolVersion, behaves: Behaviour): Promise<ScriptedServer> {
  const peers: Peer[] = []
  const server = createServer((socket) => peers.push(new Peer(socket, version, behaves)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const { socket } of peers) socket.destroy()
  })
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    peers,
    peer: (index = 0) => waitFor(() => peers[index], { what: 'a connection' }),
  }
}

/** Answers CONNECT with success, and leaves the rest to another. */
export function welcoming(properties: object = {}, then: Behaviour = () => {}): Behaviour {
  return (packet, peer) => {
    if (packet.cmd === 'connect') {
      peer.send({ cmd: 'connack', reasonCode: 0, returnCode: 0, sessionPresent: false, properties })
    } else then(packet, peer)
  }
}

/** A connection that ends with the test. */
export function connectionTo(url: string, settings: Partial<ConnectionSettings> = {}): Connection {
  const login = { username: undefined, password: undefined, tls: undefined }
  const connection = new Connection({
    endpoint: parseEndpoint(url),
    ...login,
    protocolVersion: 5,
    clientId: 'c',
    ...settings,
  })
  onTestFinished(() => connection.destroy())
  return connection
}

/** A server, and a connection to it that CONNACK has come on. */
export async function opened(
  behaves: Behaviour = welcoming(),
  protocolVersion: ProtocolVersion = 5,
): Promise<{ connection: Connection; peer: Peer; server: ScriptedServer }> {
  const server = await startScriptedServer(protocolVersion, behaves)
  const connection = connectionTo(server.url, { protocolVersion })
  await within(connection.opened, { what: 'CONNACK' })
  return { connection, server, peer: await server.peer() }
}

/** What a promise rejects with; that it does not, or not soon, is an error too. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return within(
    promise.then(
      () => {
        throw new Error('it resolved')
      },
      (error: unknown) => error,
    ),
    { what: 'a rejection' },
  )
}
