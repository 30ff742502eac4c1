import { hex } from './hex.ts'
import { MALFORMED, MalformedPacket, PROTOCOL_ERROR, TOPIC_ALIAS_INVALID } from './malformed-packet.ts'
import type { PacketCursor } from './packet-cursor.ts'
import { MAXIMUM_LENGTH } from './packet-types.ts'
import type { Properties, UserProperties } from './packets.ts'
import { PROPERTIES, type Property } from './properties.ts'

type Writable = { -readonly [Name in keyof Properties]: Properties[Name] }

/**
 * Reads properties with their length (2.2.2), all of those in one place.
 *
 * @throws {MalformedPacket} They are not what may stand there.
 */
export function readProperties(cursor: PacketCursor, place: number): Properties {
  const properties: Writable = {}
  walk(cursor, place, properties)
  return properties
}

/** Throws as `readProperties()` does, and makes nothing of them: most messages' are never asked for. */
export function checkProperties(cursor: PacketCursor, place: number): void {
  walk(cursor, place, undefined)
}

function walk(cursor: PacketCursor, place: number, found: Writable | undefined): void {
  const end = cursor.variable() + cursor.at
  const packetEnd = cursor.end
  if (end > packetEnd) throw new MalformedPacket(MALFORMED, 'properties that are longer than their packet (2.2.2.1)')
  cursor.end = end
  let seen = 0
  while (cursor.at < end) {
    // A Variable Byte Integer, of which there is none yet with more than one byte (2.2.2.2).
    const id = cursor.byte()
    const property = PROPERTIES[id]
    if (property === undefined || (property.places & place) === 0) {
      throw new MalformedPacket(MALFORMED, `a property ${hex(id)}, which its packet does not have (2.2.2.2)`)
    }
    // "It is a Protocol Error to include it more than once": 3.2.2.3 and 3.3.2.3 say so of each.
    if ((seen & property.bit) !== 0 && !property.mayRepeat) {
      throw new MalformedPacket(PROTOCOL_ERROR, `the property ${property.name} twice (3.2.2.3, 3.3.2.3)`)
    }
    seen |= property.bit
    refuseUnasked(property)
    if (found === undefined) checkValue(cursor, property)
    else put(found, property, readValue(cursor, property))
  }
  cursor.end = packetEnd
}

/** What a server may send only to a client that has asked for it, as this one never does. */
function refuseUnasked({ name }: Property): void {
  // [MQTT-3.1.2-30]
  if (name === 'topicAlias') {
    throw new MalformedPacket(TOPIC_ALIAS_INVALID, 'a topic alias, of which none was allowed [MQTT-3.1.2-30]')
  }
  // [MQTT-4.12.0-6]
  if (name === 'authenticationMethod') {
    throw new MalformedPacket(PROTOCOL_ERROR, 'an authentication method, of which none was named [MQTT-4.12.0-6]')
  }
}

type Value = string | number | boolean | Uint8Array | readonly [name: string, value: string]

function readValue(cursor: PacketCursor, property: Property): Value {
  switch (property.type) {
    case 'pairs':
      return [cursor.string(), cursor.string()]
    case 'string':
      // Whether a response topic has wildcards [MQTT-3.3.2-14] is not asked: a server must pass it on [MQTT-3.3.2-15],
      // Mosquitto does, and one retained message of a stranger would end every connection that it is sent on.
      return cursor.string()
    case 'binary':
      // A copy: one that is kept must not keep all that it came in.
      return new Uint8Array(cursor.binary())
    case 'flag':
      // A server must pass it on as it is [MQTT-3.3.2-4], so no value is the server's fault; Mosquitto passes on any.
      if (property.name === 'payloadFormatIndicator') return cursor.byte() === 1
      return inRange(property, cursor.byte(), 1) === 1
    case 'qos':
      return inRange(property, cursor.byte(), 1)
    case 'uint16':
      return inRange(property, cursor.uint16(), 0xffff)
    case 'uint32':
      return inRange(property, cursor.uint32(), 0xffff_ffff)
    case 'variable':
      return inRange(property, cursor.variable(), MAXIMUM_LENGTH)
  }
}

/** Throws as `readValue()` does. */
function checkValue(cursor: PacketCursor, property: Property): void {
  switch (property.type) {
    case 'pairs':
      cursor.checkString()
      cursor.checkString()
      break
    case 'string':
      cursor.checkString()
      break
    case 'binary':
      cursor.measured()
      break
    default:
      readValue(cursor, property)
  }
}

/** 0 is a Protocol Error for some, as is anything but 0 and 1 for flags: 3.2.2.3 and 3.3.2.3 say so of each. */
function inRange({ name, minimum }: Property, value: number, maximum: number): number {
  if (value >= minimum && value <= maximum) return value
  throw new MalformedPacket(PROTOCOL_ERROR, `the property ${name} is ${value} (3.2.2.3, 3.3.2.3)`)
}

function put(found: Writable, { name, type, mayRepeat }: Property, value: Value): void {
  if (type === 'pairs') {
    putPair(found, value as readonly [string, string])
    return
  }
  const values = found as { [name: string]: Value | Value[] }
  values[name] = mayRepeat ? withOneMore(values[name], value) : value
}

function putPair(found: Writable, [name, value]: readonly [string, string]): void {
  // Without a prototype, since a stranger has chosen the names.
  found.userProperties ??= Object.create(null) as UserProperties
  const pairs = found.userProperties as { [name: string]: string | string[] }
  pairs[name] = withOneMore(pairs[name], value)
}

function withOneMore<Item>(before: Item | Item[] | undefined, value: Item): Item | Item[] {
  if (before === undefined) return value
  if (!Array.isArray(before)) return [before, value]
  before.push(value)
  return before
}
