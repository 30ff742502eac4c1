import { isDeepStrictEqual } from 'node:util'
import { expect, it } from 'vitest'
import {
  encodeConnect,
  encodeDisconnect,
  encodePuback,
  encodePublish,
  encodePublishHeader,
  encodeSubscribe,
  encodeUnsubscribe,
  PINGREQ,
} from '../../../src/mqtt/codec/encode.ts'
import { PacketReader } from '../../../src/mqtt/codec/packet-reader.ts'
import type { ConnectPacket, Properties, ProtocolVersion, Received } from '../../../src/mqtt/codec/packets.ts'
import { randomFrom, SEED } from '../../helpers/mutation.ts'
import { plain } from './packet-bytes.ts'
import { asReadByPeer, readByPeer, receivedByPeer, type Sent, sentByPeer, writeByPeer } from './peer.ts'
import { RandomPackets } from './random-packets.ts'

/** How many packets each way: FUZZ_PACKETS where it is set. */
const PACKETS = Number(process.env.FUZZ_PACKETS ?? 20_000)

/** Of one connection. */
const BATCH = 50

const TIMEOUT = { timeout: 7_200_000 }

it(
  `what mqtt-packet writes as a server is read as it was meant, and as it reads it itself (${PACKETS})`,
  TIMEOUT,
  () => {
    forEachBatch((packets, version) => {
      const meant = connection(packets)
      const bytes = Buffer.concat(meant.map((packet) => writeByPeer(version, packet)))
      const told: Received[] = []
      const reader = new PacketReader(version, (packet) => told.push(packet))
      for (const chunk of packets.chunks(bytes)) reader.push(chunk)
      const read = told.map(plain)
      same(read, meant)
      same(
        read.map(withPeersProperties),
        readByPeer(version, bytes).map((packet) => receivedByPeer(version, packet)),
      )
      return meant.length
    })
  },
)

it(`what is written as a client mqtt-packet reads as it was meant (${PACKETS})`, TIMEOUT, () => {
  forEachBatch((packets, version) => {
    const meant = packets.many(BATCH, BATCH, () => sent(packets))
    // Nothing may follow it [MQTT-3.14.4-1], and where its reason or properties are left out, as they may be (3.14.2.1),
    // mqtt-packet reads what follows for them.
    meant.push({ cmd: 'disconnect', reasonCode: version === 4 ? 0 : packets.some([0, 0x81, 0x82, 0x94]) })
    const bytes = Buffer.concat(meant.flatMap((packet) => encoded(packet, version)))
    same(
      readByPeer(version, bytes).map((packet) => sentByPeer(version, packet)),
      meant.map((packet) => withPeersProperties(packet)),
    )
    return meant.length
  })
})

function connection(packets: RandomPackets): Received[] {
  if (packets.integer(1, 20) === 1) return [packets.connack(false)]
  const all = [packets.connack(true), ...packets.many(BATCH, BATCH, () => packets.received())]
  if (packets.version === 5 && packets.flag()) all.push(packets.disconnect())
  return all
}

function sent(packets: RandomPackets): Sent {
  const packetId = packets.packetId()
  switch (packets.integer(0, 8)) {
    case 0:
      return { cmd: 'connect', ...packets.connect() }
    case 1:
      return { cmd: 'puback', packetId }
    case 2: {
      const subscriptions = packets.subscriptions()
      return { cmd: 'subscribe', packetId, subscriptions }
    }
    case 3:
      return { cmd: 'unsubscribe', packetId, topics: packets.filters() }
    case 4:
      return { cmd: 'pingreq' }
    default:
      return { cmd: 'publish', ...packets.publish() }
  }
}

function encoded(packet: Sent, version: ProtocolVersion): Uint8Array[] {
  switch (packet.cmd) {
    case 'connect':
      return [encodeConnect(packet, version)]
    case 'puback':
      return [encodePuback(packet.packetId)]
    case 'subscribe':
      return [encodeSubscribe(packet.packetId, packet.subscriptions, version)]
    case 'unsubscribe':
      return [encodeUnsubscribe(packet.packetId, packet.topics, version)]
    case 'pingreq':
      return [PINGREQ]
    case 'disconnect':
      return [encodeDisconnect(version, packet.reasonCode)]
    case 'publish': {
      const isWhole = packet.topic.length % 2 === 0
      return isWhole ? [encodePublish(packet, version)] : [encodePublishHeader(packet, version), packet.payload]
    }
  }
}

function withPeersProperties<Packet extends Sent | Received>(packet: Packet): Packet {
  const { will, properties }: { will?: ConnectPacket['will']; properties?: Properties | undefined } = packet as object
  return {
    ...packet,
    ...(properties && { properties: asReadByPeer(properties) }),
    ...(will && { will: { ...will, properties: asReadByPeer(will.properties ?? {}) } }),
  }
}

/** Calls back with packets of both versions in turn until so many were tried, and tells which batch failed. */
function forEachBatch(check: (packets: RandomPackets, version: ProtocolVersion) => number): void {
  for (let count = 0, batch = 0; count < PACKETS; batch++) {
    const version = batch % 2 === 0 ? 4 : 5
    try {
      count += check(new RandomPackets(randomFrom(SEED + batch), version), version)
    } catch (cause) {
      throw new Error(`batch ${batch} of seed ${SEED}`, { cause })
    }
  }
}

/** Faster than `toEqual()`, which then shows what is different. */
function same(one: readonly object[], other: readonly object[]): void {
  if (!isDeepStrictEqual(one, other)) expect(one).toEqual(other)
}
