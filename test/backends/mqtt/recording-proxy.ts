import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { onTestFinished } from 'vitest'

/** One read of a socket: which way it went, and the MQTT packets that ended in it, by their names. */
export interface Record {
  readonly way: 'up' | 'down'
  readonly packets: string[]
}

const NAMES = [
  '',
  'CONNECT',
  'CONNACK',
  'PUBLISH',
  'PUBACK',
  '',
  '',
  '',
  'SUBSCRIBE',
  'SUBACK',
  'UNSUBSCRIBE',
  'UNSUBACK',
  'PINGREQ',
  'PINGRESP',
]

export interface RecordingProxy {
  readonly url: string
  readonly records: Record[]
  /** The next PUBLISH to a client that has this in it is lost on its way; resolves when it is. */
  losePublish(text: string): Promise<void>
}

/** A TCP proxy that notes what passes, in its order; ends with the test. */
export async function startRecordingProxy(target: number): Promise<RecordingProxy> {
  const records: Record[] = []
  let toLose: { text: string; lost: () => void } | undefined
  const isLost = (way: Record['way'], name: string, bytes: Buffer) => {
    if (way === 'up' || name !== 'PUBLISH' || toLose === undefined || !bytes.includes(toLose.text)) return false
    toLose.lost()
    toLose = undefined
    return true
  }
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: target, host: '127.0.0.1', noDelay: true })
    for (const [from, to, way] of [
      [client, upstream, 'up'],
      [upstream, client, 'down'],
    ] as const) {
      const frames = new Frames()
      from.on('data', (chunk) => {
        const packets = frames.push(chunk)
        records.push({ way, packets: packets.map(({ name }) => name) })
        const kept = packets.filter(({ name, bytes }) => !isLost(way, name, bytes))
        to.write(Buffer.concat(kept.map(({ bytes }) => bytes)))
      })
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
    }
    onTestFinished(() => void client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    records,
    losePublish: (text) =>
      new Promise((lost) => {
        toLose = { text, lost }
      }),
  }
}

/** Cuts a stream into packets: a type, then the length of the rest, seven bits a byte (MQTT 5, 2.1). */
class Frames {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): { name: string; bytes: Buffer }[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const packets: { name: string; bytes: Buffer }[] = []
    for (;;) {
      let length = 0
      let at = 1
      for (let shift = 0; ; shift += 7, at += 1) {
        const byte = this.#rest[at]
        if (byte === undefined) return packets
        length += (byte & 0x7f) << shift
        if (byte < 0x80) break
      }
      const end = at + 1 + length
      if (this.#rest.length < end) return packets
      packets.push({ name: NAMES[(this.#rest[0] ?? 0) >> 4] || 'other', bytes: this.#rest.subarray(0, end) })
      this.#rest = this.#rest.subarray(end)
    }
  }
}
