import mqttPacket, { type Packet } from 'mqtt-packet'
import type {
  ConnectPacket,
  Properties,
  ProtocolVersion,
  Publish,
  Received,
  Subscription,
} from '../../../src/mqtt/codec/packets.ts'

/** A packet of a client, with what mqtt-packet calls it. */
export type Sent =
  | ({ readonly cmd: 'connect' } & ConnectPacket)
  | ({ readonly cmd: 'publish' } & Publish)
  | { readonly cmd: 'puback'; readonly packetId: number }
  | { readonly cmd: 'subscribe'; readonly packetId: number; readonly subscriptions: readonly Subscription[] }
  | { readonly cmd: 'unsubscribe'; readonly packetId: number; readonly topics: readonly string[] }
  | { readonly cmd: 'pingreq' }
  | { readonly cmd: 'disconnect'; readonly reasonCode: number }

/** What mqtt-packet reads from these bytes, in its own fields. Throws what it says of them. */
export function readByPeer(version: ProtocolVersion, bytes: Uint8Array): PeerPacket[] {
  const packets: PeerPacket[] = []
  const parser = mqttPacket.parser({ protocolVersion: version })
  parser.on('packet', (packet) => packets.push(packet as PeerPacket))
  parser.on('error', (error) => {
    throw error
  })
  parser.parse(bufferOf(bytes))
  return packets
}

/** What mqtt-packet writes for a packet of a server. */
export function writeByPeer(version: ProtocolVersion, packet: Received): Uint8Array {
  return mqttPacket.generate(toPeer(packet) as Packet, { protocolVersion: version })
}

function toPeer(packet: Received): object {
  if (packet.type === 'pingresp') return { cmd: 'pingresp' }
  const properties = withBytes(packet.properties, bufferOf)
  switch (packet.type) {
    case 'connack': {
      const { sessionPresent, reasonCode } = packet
      return { cmd: 'connack', sessionPresent, reasonCode, returnCode: reasonCode, properties }
    }
    case 'disconnect':
      return { cmd: 'disconnect', reasonCode: packet.reasonCode, properties }
    case 'puback': {
      const { packetId: messageId, reasonCode } = packet
      // No object is written without a property length, an empty one with it: both may be (3.4.2.2.1).
      const isBare = Object.keys(properties).length === 0 && messageId % 2 === 0
      return { cmd: 'puback', messageId, reasonCode, ...(!isBare && { properties }) }
    }
    case 'publish': {
      const { topic, qos, retain, dup, packetId: messageId } = packet
      return { cmd: 'publish', topic, payload: bufferOf(packet.payload), qos, retain, dup, messageId, properties }
    }
    default:
      return { cmd: packet.type, messageId: packet.packetId, granted: packet.reasonCodes, properties }
  }
}

/** A packet of a server that mqtt-packet has read, in the fields that ours has. */
export function receivedByPeer(version: ProtocolVersion, packet: PeerPacket): Received {
  const { cmd, messageId: packetId, returnCode, reasonCode = returnCode ?? 0, granted, sessionPresent } = packet
  const properties = plainProperties(packet.properties)
  switch (cmd) {
    case 'connack':
      return { type: cmd, sessionPresent, reasonCode, properties }
    case 'disconnect':
      return { type: cmd, reasonCode, properties }
    case 'puback':
      return { type: cmd, packetId, reasonCode, properties }
    case 'publish':
      return { type: cmd, ...messageOf(packet), dup: packet.dup }
    case 'suback':
      return { type: cmd, packetId, reasonCodes: granted, properties }
    case 'unsuback':
      return { type: cmd, packetId, reasonCodes: version === 4 ? [] : granted, properties }
    default:
      return { type: 'pingresp' }
  }
}

/** A packet of a client that mqtt-packet has read, in the fields that ours has. */
export function sentByPeer(version: ProtocolVersion, packet: PeerPacket): Sent {
  const { cmd, messageId: packetId, reasonCode = 0 } = packet
  switch (cmd) {
    case 'connect': {
      const { clientId, keepalive: keepAliveSeconds, username, will } = packet
      if (!packet.clean || packet.protocolId !== 'MQTT' || packet.protocolVersion !== version) throw new Error(cmd)
      const password = packet.password === undefined ? undefined : bufferOf(packet.password).toString()
      const properties = plainProperties(packet.properties)
      return { cmd, clientId, keepAliveSeconds, username, password, will: will && willOf(will), properties }
    }
    case 'publish':
      if (packet.dup) throw new Error('DUP, though nothing is sent again')
      return { cmd, ...messageOf(packet) }
    case 'puback':
      return { cmd, packetId }
    case 'subscribe': {
      const subscriptions = packet.subscriptions.map(({ topic, qos, rh, nl, rap }) => {
        if (nl || rap) throw new Error('an option that was not meant')
        return { topic, qos, retainHandling: rh ?? 0 }
      })
      return { cmd, packetId, subscriptions }
    }
    case 'unsubscribe':
      return { cmd, packetId, topics: packet.unsubscriptions }
    case 'disconnect':
      return { cmd, reasonCode }
    default:
      return { cmd: 'pingreq' }
  }
}

function messageOf({
  topic,
  payload,
  qos,
  retain,
  messageId,
  properties,
}: PeerPacket): Required<Publish> & { properties: Properties } {
  const packetId = qos === 0 ? undefined : messageId
  return { topic, payload: new Uint8Array(payload), qos, retain, packetId, properties: plainProperties(properties) }
}

function willOf({ topic, payload, qos, retain, properties }: PeerPacket['will'] & object): ConnectPacket['will'] {
  return { topic, payload: new Uint8Array(payload), qos, retain, properties: plainProperties(properties) }
}

/**
 * As mqtt-packet reads properties that are these: where a user property comes several times, it forgets an empty value
 * when the next one comes, because it asks whether there is one by whether it is true.
 */
export function asReadByPeer(properties: Properties): Properties {
  if (properties.userProperties === undefined) return properties
  const userProperties = Object.create(null) as { [name: string]: string | string[] }
  for (const [name, value] of Object.entries(properties.userProperties)) {
    let read: string | string[] = ''
    for (const text of [value].flat()) {
      if (!read) read = text
      else read = [read, text].flat()
    }
    userProperties[name] = read
  }
  return { ...properties, userProperties }
}

/** What mqtt-packet may have read, of any packet. */
export interface PeerPacket {
  cmd: string
  messageId: number
  dup: boolean
  topic: string
  payload: Uint8Array
  qos: 0 | 1
  retain: boolean
  returnCode?: number
  reasonCode?: number
  granted: number[]
  sessionPresent: boolean
  properties?: Properties
  protocolId: string
  protocolVersion: number
  clean: boolean
  keepalive: number
  clientId: string
  username: string | undefined
  password: Uint8Array | undefined
  will: Pick<PeerPacket, 'topic' | 'payload' | 'qos' | 'retain' | 'properties'> | undefined
  subscriptions: { topic: string; qos: 0 | 1; rh?: 0 | 1 | 2; nl?: boolean; rap?: boolean }[]
  unsubscriptions: string[]
}

/** An object, with bytes as plain arrays of them. */
function plainProperties(properties: Properties = {}): Properties {
  return withBytes(properties, (bytes) => new Uint8Array(bytes))
}

function withBytes(properties: Properties, change: (bytes: Uint8Array) => Uint8Array): Properties {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, value instanceof Uint8Array ? change(value) : value]),
  )
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
