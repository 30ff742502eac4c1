import type { PacketWriter } from './packet-writer.ts'
import type { Properties, UserProperties } from './packets.ts'
import { PROPERTY_NAMED, type Property } from './properties.ts'

/**
 * Writes properties and their length (2.2.2); undefined is none [MQTT-2.2.2-1].
 *
 * @throws {RangeError} One may not stand in this place, or has a value that it cannot have.
 */
export function writeProperties(writer: PacketWriter, properties: Properties | undefined, place: number): void {
  const start = writer.beginMeasured()
  for (const name in properties) {
    const value = properties[name as keyof Properties]
    if (value === undefined) continue
    const property = PROPERTY_NAMED.get(name)
    if (property === undefined || (property.places & place) === 0) {
      throw new RangeError(`${name} is no property that this client sends here`)
    }
    writeProperty(writer, property, value)
  }
  writer.endMeasured(start)
}

function writeProperty(writer: PacketWriter, property: Property, value: Properties[keyof Properties]): void {
  const { id, name, type } = property
  if (type !== 'pairs') writer.byte(id)
  switch (type) {
    case 'pairs':
      writePairs(writer, id, value as UserProperties)
      break
    case 'string':
      writer.string(value as string, name)
      break
    case 'binary':
      writer.binary(value as Uint8Array, name)
      break
    case 'flag':
    case 'qos':
      writer.byte(inRange(property, Number(value), 1))
      break
    case 'uint16':
      writer.uint16(inRange(property, value as number, 0xffff))
      break
    case 'uint32':
      writer.uint32(inRange(property, value as number, 0xffff_ffff))
      break
    case 'variable':
      // Only a server sends one [MQTT-3.3.4-6].
      break
  }
}

function writePairs(writer: PacketWriter, id: number, pairs: UserProperties): void {
  for (const name in pairs) {
    const value = pairs[name] as string | readonly string[]
    for (const text of typeof value === 'string' ? [value] : value) {
      writer.byte(id)
      writer.string(name, 'the name of a user property')
      writer.string(text, 'a user property')
    }
  }
}

function inRange({ name, minimum }: Property, value: number, maximum: number): number {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value
  throw new RangeError(`${name} is ${value}, and must be an integer from ${minimum} to ${maximum}`)
}
