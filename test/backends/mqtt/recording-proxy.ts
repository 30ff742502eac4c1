import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { onTestFinished } from 'vitest'

/** One read of a socket: which way it went, and the MQTT packets that began in it, by their names. */
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

/** A TCP proxy that notes what passes, in its order; ends with the test. */
export async function startRecordingProxy(target: number): Promise<{ url: string; records: Record[] }> {
  const records: Record[] = []
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: target, host: '127.0.0.1', noDelay: true })
    for (const [from, to, way] of [
      [client, upstream, 'up'],
      [upstream, client, 'down'],
    ] as const) {
      const frames = new Frames()
      from.on('data', (chunk) => {
        records.push({ way, packets: frames.push(chunk) })
        to.write(chunk)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
    }
    onTestFinished(() => void client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, records }
}

/** Finds where packets begin: a type, then the length of the rest, seven bits a byte (MQTT 5, 2.1). */
class Frames {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): string[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const names: string[] = []
    for (;;) {
      let length = 0
      let at = 1
      for (let shift = 0; ; shift += 7, at += 1) {
        const byte = this.#rest[at]
        if (byte === undefined) return names
        length += (byte & 0x7f) << shift
        if (byte < 0x80) break
      }
      if (this.#rest.length < at + 1 + length) return names
      names.push(NAMES[(this.#rest[0] ?? 0) >> 4] || 'other')
      this.#rest = this.#rest.subarray(at + 1 + length)
    }
  }
}
