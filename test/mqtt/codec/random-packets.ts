import type {
  ConnectPacket,
  Properties,
  ProtocolVersion,
  Publish,
  Qos,
  Received,
  Subscription,
} from '../../../src/mqtt/codec/packets.ts'
import { PROPERTIES, type Property } from '../../../src/mqtt/codec/properties.ts'

/** Reason codes that mqtt-packet takes: it refuses others. */
const PUBACK_CODES = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
const SUBACK_CODES = [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2]
const SUBACK_CODES_OF_3_1_1 = [0x00, 0x01, 0x02, 0x80]
const UNSUBACK_CODES = [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91]
const DISCONNECT_CODES = [0x00, 0x80, 0x81, 0x82, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x93, 0x95, 0x97, 0x9c, 0xa0, 0xa2]

const CHARACTERS = ['a', 'b', 'Z', '0', '/', ' ', '"', '\u0001', '\u007f', 'ü', '€', '\ufeff', '\uffff', '😀', '/', '-']
const NAMES = ['a', 'by', '__proto__', 'constructor', 'toString', '1', '', 'ü']

/** Valid packets, each as a server or a client may send it, from a source of random numbers. */
export class RandomPackets {
  readonly #random: () => number
  readonly version: ProtocolVersion

  constructor(random: () => number, version: ProtocolVersion) {
    this.#random = random
    this.version = version
  }

  connack(isSuccess: boolean): Received {
    const codes = this.version === 4 ? [1, 2, 3, 4, 5] : [0x80, 0x84, 0x86, 0x87, 0x88, 0x8a, 0x95, 0x9b]
    const reasonCode = isSuccess ? 0 : this.some(codes)
    return { type: 'connack', sessionPresent: false, reasonCode, properties: this.properties('connack') }
  }

  disconnect(): Received {
    return { type: 'disconnect', reasonCode: this.some(DISCONNECT_CODES), properties: this.properties('disconnect') }
  }

  /** Of those that may come after CONNACK, and before others. */
  received(): Received {
    const packetId = this.packetId()
    const properties = this.properties('acknowledgement')
    switch (this.integer(0, 7)) {
      case 0:
        return { type: 'pingresp' }
      case 1:
        return { type: 'puback', packetId, reasonCode: this.version === 4 ? 0 : this.some(PUBACK_CODES), properties }
      case 2: {
        const codes = this.version === 4 ? SUBACK_CODES_OF_3_1_1 : SUBACK_CODES
        return { type: 'suback', packetId, reasonCodes: this.many(1, 5, () => this.some(codes)), properties }
      }
      case 3: {
        const reasonCodes = this.version === 4 ? [] : this.many(1, 5, () => this.some(UNSUBACK_CODES))
        return { type: 'unsuback', packetId, reasonCodes, properties }
      }
      default: {
        const publish = this.publish('received publish')
        const { topic, payload, qos, retain } = publish
        const fields = { topic, payload, qos, retain, dup: qos === 1 && this.flag() }
        return { type: 'publish', ...fields, packetId: publish.packetId, properties: publish.properties ?? {} }
      }
    }
  }

  publish(place: 'publish' | 'received publish' = 'publish'): Publish {
    const qos = this.qos()
    const fields = { topic: this.topic(), payload: this.bytes(), qos, retain: this.flag() }
    return { ...fields, packetId: qos === 0 ? undefined : this.packetId(), properties: this.properties(place) }
  }

  connect(): ConnectPacket {
    const username = this.flag() ? this.text() : undefined
    return {
      clientId: this.text(),
      keepAliveSeconds: this.integer(0, 0xffff),
      username,
      password: (username !== undefined || this.version === 5) && this.flag() ? this.text() : undefined,
      will: this.flag()
        ? {
            topic: this.topic(),
            payload: this.bytes().subarray(0, 0xffff),
            qos: this.qos(),
            retain: this.flag(),
            properties: this.properties('will'),
          }
        : undefined,
      properties: this.properties('connect'),
    }
  }

  subscriptions(): Subscription[] {
    return this.many(1, 5, () => {
      const retainHandling = this.version === 4 ? 0 : this.some([0, 1, 2] as const)
      return { topic: this.filter(), qos: this.qos(), retainHandling }
    })
  }

  filters(): string[] {
    return this.many(1, 5, () => this.filter())
  }

  packetId(): number {
    return this.some([1, 0xff, 0x100, 0xffff, this.integer(1, 0xffff)])
  }

  /** Cuts bytes at random places, of which there are more or fewer. */
  chunks(bytes: Uint8Array): Uint8Array[] {
    const longest = this.some([1, 2, 7, 100, 5000, 1_000_000])
    const chunks: Uint8Array[] = []
    for (let at = 0; at < bytes.length; ) {
      const end = at + this.integer(1, longest)
      chunks.push(bytes.subarray(at, end))
      at = end
    }
    return chunks
  }

  some<Item>(items: readonly Item[]): Item {
    return items[this.integer(0, items.length - 1)] as Item
  }

  flag(): boolean {
    return this.#random() < 0.5
  }

  integer(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1))
  }

  many<Item>(least: number, most: number, make: () => Item): Item[] {
    return Array.from({ length: this.integer(least, most) }, make)
  }

  qos(): Qos {
    return this.some([0, 1])
  }

  topic(): string {
    return `${this.some(['a', '/', 'ü', '$'])}${this.text()}`
  }

  filter(): string {
    return this.some(['#', '+', `${this.topic()}/#`, this.topic()])
  }

  text(): string {
    if (this.#random() < 0.002) return this.some(CHARACTERS).repeat(this.integer(1000, 16_000))
    return this.many(0, this.some([3, 20, 70]), () => this.some(CHARACTERS)).join('')
  }

  bytes(): Uint8Array {
    const length = this.#random() < 0.002 ? this.integer(10_000, 100_000) : this.integer(0, this.some([0, 10, 300]))
    return new Uint8Array(length).fill(this.integer(0, 255))
  }

  /** None in 3.1.1. */
  properties(place: Place): Properties {
    if (this.version === 4) return {}
    const allowed = PROPERTIES.filter((property) => property !== undefined).filter(({ name }) =>
      PLACES[place].includes(name),
    )
    const properties: { [name: string]: unknown } = {}
    for (const property of allowed) if (this.#random() < 0.3) properties[property.name] = this.#value(property)
    return properties
  }

  #value({ name, type, minimum }: Property): unknown {
    switch (type) {
      case 'flag':
        return this.flag()
      case 'qos':
        return this.qos()
      case 'uint16':
        return this.some([minimum, 0xff, 0x100, 0xffff, this.integer(minimum, 0xffff)])
      case 'uint32':
        return this.some([minimum, 0xffff, 0x1_0000, 0xffff_ffff, this.integer(minimum, 0xffff_ffff)])
      case 'variable': {
        const values = this.many(1, 3, () =>
          this.some([1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000, 268_435_455]),
        )
        return values.length === 1 ? values[0] : values
      }
      case 'string':
        return name === 'responseTopic' ? this.topic() : this.text()
      case 'binary':
        return this.bytes().subarray(0, 0xffff)
      case 'pairs':
        return this.#pairs()
    }
  }

  #pairs(): unknown {
    const pairs = Object.create(null) as { [name: string]: string | string[] }
    for (const name of this.many(1, 3, () => this.some([...NAMES, this.text()]))) {
      const values = this.many(1, 3, () => this.text())
      pairs[name] = values.length === 1 ? (values[0] as string) : values
    }
    return pairs
  }
}

type Place = 'connect' | 'will' | 'publish' | 'received publish' | 'connack' | 'acknowledgement' | 'disconnect'

const OF_MESSAGES: readonly (keyof Properties)[] = [
  ...(['payloadFormatIndicator', 'messageExpiryInterval', 'contentType', 'responseTopic', 'correlationData'] as const),
  'userProperties',
]

/** Table 2-4, on its own: the codec's table is what is tested. */
const PLACES: { readonly [place in Place]: readonly (keyof Properties)[] } = {
  connect: [
    ...(['sessionExpiryInterval', 'receiveMaximum', 'maximumPacketSize', 'requestProblemInformation'] as const),
    ...(['requestResponseInformation', 'userProperties'] as const),
  ],
  will: [...OF_MESSAGES, 'willDelayInterval'],
  publish: OF_MESSAGES,
  'received publish': [...OF_MESSAGES, 'subscriptionIdentifier'],
  connack: [
    ...(['sessionExpiryInterval', 'assignedClientIdentifier', 'serverKeepAlive', 'responseInformation'] as const),
    ...(['serverReference', 'reasonString', 'receiveMaximum', 'topicAliasMaximum', 'maximumQoS'] as const),
    ...(['retainAvailable', 'userProperties', 'maximumPacketSize', 'wildcardSubscriptionAvailable'] as const),
    ...(['subscriptionIdentifiersAvailable', 'sharedSubscriptionAvailable', 'authenticationData'] as const),
  ],
  acknowledgement: ['reasonString', 'userProperties'],
  disconnect: ['reasonString', 'userProperties', 'serverReference'],
}
