import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** What went through in one piece: who sent it, and which MQTT packets it has. */
export interface Segment {
  readonly from: 'client' | 'broker'
  readonly packets: readonly string[]
}

export interface RecordingProxy {
  readonly url: string
  readonly segments: Segment[]
  /** Holds back the broker's packets of this kind, and all after it, until `release`. */
  holdBack(packet: string): void
  release(): void
}

const NAMES = [
  ...['', 'CONNECT', 'CONNACK', 'PUBLISH', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'],
  ...['SUBSCRIBE', 'SUBACK', 'UNSUBSCRIBE', 'UNSUBACK', 'PINGREQ', 'PINGRESP', 'DISCONNECT', 'AUTH'],
]

/** A TCP proxy that notes which MQTT packets go through it, in their order. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const segments: Segment[] = []
  const sockets = new Set<Socket>()
  let heldName: string | undefined
  let held: (() => void)[] = []

  const pass = (from: Socket, to: Socket, name: Segment['from']) => {
    const reader = new PacketReader()
    sockets.add(from.setNoDelay(true))
    from.on('data', (data) => {
      const packets = reader.read(data)
      const forward = () => {
        segments.push({ from: name, packets })
        to.write(data)
      }
      const isHeld = held.length > 0 || (heldName !== undefined && packets.includes(heldName))
      if (name === 'broker' && isHeld) held.push(forward)
      else forward()
    })
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
  }
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: Number(new URL(target).port), host: '127.0.0.1', noDelay: true })
    pass(client, upstream, 'client')
    pass(upstream, client, 'broker')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    segments,
    holdBack: (packet) => {
      heldName = packet
    },
    release: () => {
      heldName = undefined
      for (const forward of held.splice(0)) forward()
      held = []
    },
  }
}

/** Finds the packets in a stream of bytes (MQTT 5, 2.1: a type and flags, a length of 1 to 4 bytes, the rest). */
class PacketReader {
  #rest: Buffer = Buffer.alloc(0)

  /** Names of the packets that end in this piece; for a PUBLISH also QoS and retain. */
  read(data: Buffer): string[] {
    const names: string[] = []
    let bytes = Buffer.concat([this.#rest, data])
    for (;;) {
      const end = packetEnd(bytes)
      if (end === undefined) break
      names.push(nameOf(bytes[0] ?? 0))
      bytes = bytes.subarray(end)
    }
    this.#rest = bytes
    return names
  }
}

function packetEnd(bytes: Buffer): number | undefined {
  let length = 0
  for (let at = 1; at <= 4; at++) {
    const byte = bytes[at]
    if (byte === undefined) return undefined
    length += (byte & 0x7f) * 128 ** (at - 1)
    if (byte < 0x80) return bytes.length >= at + 1 + length ? at + 1 + length : undefined
  }
  throw new Error('No MQTT packet')
}

function nameOf(first: number): string {
  const name = NAMES[first >> 4] ?? ''
  if (name !== 'PUBLISH') return name
  return `PUBLISH qos${(first >> 1) & 3}${first & 1 ? ' retain' : ''}`
}
