import { expect, it } from 'vitest'
import { MalformedPacket } from '../../../src/mqtt/codec/malformed-packet.ts'
import { PacketReader } from '../../../src/mqtt/codec/packet-reader.ts'
import type { ProtocolVersion, Received } from '../../../src/mqtt/codec/packets.ts'
import { assertNotPolluted, randomFrom, reporting, SEED } from '../../helpers/mutation.ts'
import { countAllocated } from './count-allocated.ts'
import { CONNACK, hex } from './packet-bytes.ts'
import { writeByPeer } from './peer.ts'
import { RandomPackets } from './random-packets.ts'

/** How many inputs: FUZZ_PACKETS where it is set. */
const INPUTS = Number(process.env.FUZZ_PACKETS ?? 20_000)

/** Putting a body together takes up to three times what has come, and binary properties are copied. */
const TIMES = 4

/** The first piece of a body is given this much room, and a topic is kept. */
const FEW_BYTES = 10_000

it(`whatever comes is packets or malformed, and takes no more memory than has come (${INPUTS} inputs)`, {
  timeout: 7_200_000,
}, () => {
  const random = randomFrom(SEED)
  let packets = 0
  let refused = 0
  for (let input = 0; input < INPUTS; input++) {
    const version = input % 2 === 0 ? 4 : 5
    const makes = new RandomPackets(random, version)
    const bytes = input % 10 === 0 ? garbage(makes) : mutated(makes, version)
    reporting(input, bytes, () => {
      const allocated = countAllocated(() => {
        const told = read(version, makes.chunks(bytes))
        packets += told.packets
        refused += told.isMalformed ? 1 : 0
      })
      if (allocated > TIMES * bytes.length + FEW_BYTES) throw new Error(`${allocated} bytes for ${bytes.length}`)
    })
  }
  expect(packets).toBeGreaterThan(INPUTS / 10)
  expect(refused).toBeGreaterThan(INPUTS / 10)
  assertNotPolluted()
})

function read(version: ProtocolVersion, chunks: readonly Uint8Array[]): { packets: number; isMalformed: boolean } {
  let packets = 0
  const reader = new PacketReader(version, (packet) => {
    packets++
    touch(packet)
  })
  try {
    reader.push(hex(CONNACK[version]))
    for (const chunk of chunks) reader.push(chunk)
    return { packets, isMalformed: false }
  } catch (error) {
    if (!(error instanceof MalformedPacket)) throw error
    return { packets, isMalformed: true }
  }
}

/** What is read late was checked early, so it throws nothing. */
function touch(packet: Received): void {
  if (packet.type === 'publish' && packet.properties === undefined) throw new Error('no properties')
}

/** Some packets, with some bytes changed, taken out or put in. */
function mutated(makes: RandomPackets, version: ProtocolVersion): Uint8Array {
  let bytes = makes.many(1, 3, () => short(makes, version)).flat()
  for (let times = makes.integer(1, 4); times > 0; times--) {
    const at = makes.integer(0, bytes.length)
    const put = makes.some([[], [makes.integer(0, 255)], [0], [0xff, 0xff, 0xff, 0x7f]])
    bytes = [...bytes.slice(0, at), ...put, ...bytes.slice(at + makes.integer(0, 2))]
  }
  return Uint8Array.from(bytes)
}

/** So that what fails can be looked at. */
function short(makes: RandomPackets, version: ProtocolVersion): number[] {
  for (;;) {
    const bytes = writeByPeer(version, makes.received())
    if (bytes.length < 1000) return [...bytes]
  }
}

function garbage(makes: RandomPackets): Uint8Array {
  return Uint8Array.from(makes.many(0, 100, () => makes.integer(0, 255)))
}
