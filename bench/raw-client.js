// @ts-check
import { once } from 'node:events'
import { connect } from 'node:net'
import { generate } from 'mqtt-packet'

/** Types of packets, as the first byte has them (MQTT 3.1.1, 2.2.1). */
const PUBLISH = 0x30
const QOS_1 = 0x02
const PINGRESP = 0xd0
const PINGREQ = Buffer.from([0xc0, 0])

/** @param {string} topic @param {string} text @param {{ qos?: 0 | 1, retain?: boolean, messageId?: number }} [how] */
export function publishPacket(topic, text, { qos = 1, retain = false, messageId = 1 } = {}) {
  return generate({ cmd: 'publish', topic, payload: text, qos, retain, dup: false, messageId })
}

/** @param {string[]} topics @param {0 | 1} [qos] */
export function subscribePacket(topics, qos = 1) {
  return generate({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos })) })
}

export function connectPacket() {
  return generate({ cmd: 'connect', clientId: `bench-${process.hrtime.bigint()}`, clean: true, keepalive: 0 })
}

/**
 * The limit: encoded packets on a socket, and nothing of what a client has to do besides. The caller knows how many
 * packets come back.
 * @param {number} port @param {string} [host]
 */
export async function rawSocket(port, host = '127.0.0.1') {
  const socket = connect({ port, host, noDelay: true })
  await once(socket, 'connect')
  /** What came and is no whole packet yet. @type {Buffer} */
  let rest = Buffer.alloc(0)
  /** PUBACKs that are to be sent, with the next packet if that comes soon. @type {Buffer[]} */
  let acks = []
  let missing = 0
  /** How many PINGREQs may still be sent: each answer to one would ask for the next. */
  let pings = 0
  let settle = { resolve: () => {}, reject: (/** @type {Error} */ _error) => {} }
  socket.on('data', (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    read()
    // A broker with Nagle's algorithm sends its next small packet when we have acknowledged this one: with data, at once.
    if (acks.length > 0) socket.write(Buffer.concat(acks))
    else if (missing > 0 && pings-- > 0) socket.write(PINGREQ)
    acks = []
    if (missing <= 0) settle.resolve()
  })
  socket.on('error', (error) => settle.reject(error))
  socket.on('close', () => settle.reject(new Error('The broker has closed the connection')))

  function read() {
    let start = 0
    for (;;) {
      const body = bodyOf(rest, start)
      if (body === undefined || body.end > rest.length) break
      const first = rest.readUInt8(start)
      if (first !== PINGRESP) missing--
      if ((first & 0xf0) === PUBLISH && (first & QOS_1) !== 0) {
        const id = body.start + 2 + rest.readUInt16BE(body.start)
        acks.push(Buffer.from([0x40, 2, rest.readUInt8(id), rest.readUInt8(id + 1)]))
      }
      start = body.end
    }
    rest = rest.subarray(start)
  }

  return {
    /** Sends packets and resolves when as many others have come. @param {readonly Buffer[]} packets @param {number} count */
    exchange(packets, count) {
      missing += count
      pings = count
      socket.write(Buffer.concat([...acks, ...packets]))
      acks = []
      return /** @type {Promise<void>} */ (
        new Promise((resolve, reject) => {
          settle = { resolve, reject }
          if (missing <= 0) resolve()
        })
      )
    },
    end: () => void socket.destroy(),
  }
}

/**
 * Where the body of a packet is. Undefined: not all of its length is here (MQTT 3.1.1, 2.2.3).
 * @param {Buffer} bytes @param {number} packet
 */
function bodyOf(bytes, packet) {
  let length = 0
  for (let index = packet + 1; index < bytes.length; index++) {
    const byte = bytes.readUInt8(index)
    length += (byte & 0x7f) * 128 ** (index - packet - 1)
    if (byte < 0x80) return { start: index + 1, end: index + 1 + length }
  }
  return undefined
}

/**
 * A raw socket that has a pool, all asked in one flight, and can save it.
 * @param {number} port @param {string} topic the pool's, which is retained there @param {string} [host]
 */
export async function rawClient(port, topic, host) {
  const socket = await rawSocket(port, host)
  const fence = `bench/fence/${process.hrtime.bigint()}`
  // CONNACK, SUBACK, the pool, PUBACK and the fence.
  await socket.exchange([connectPacket(), subscribePacket([topic, fence]), publishPacket(fence, '')], 5)
  return {
    ...socket,
    /** Resolves when the message is acknowledged and has come back. @param {Buffer} packet */
    publish: (packet) => socket.exchange([packet], 2),
  }
}
