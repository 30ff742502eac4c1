import type { ProtocolVersion, Received } from './packets.ts'

/** Takes the packets of a server from what comes, in pieces of any size. */
export class PacketReader {
  readonly version: ProtocolVersion
  readonly onPacket: (packet: Received) => void

  constructor(version: ProtocolVersion, onPacket: (packet: Received) => void) {
    this.version = version
    this.onPacket = onPacket
  }

  /** @throws {MalformedPacket} After that it reads nothing more. */
  push(_chunk: Uint8Array): void {
    throw new Error('not written yet')
  }
}
