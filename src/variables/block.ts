import { encodeText } from '../format/bytes.ts'
import { memberTexts } from '../format/payload.ts'

/** The most characters in a block: a change costs as many, and a save a call for each block. */
const BLOCK_CHARACTERS = 4096

/** What a block knows of a variable. */
export interface Member {
  readonly name: string
  /** Its JSON text; undefined: the payload does not have it. */
  readonly text: string | undefined
  block: Block | undefined
}

/** Variables that follow one another in the payload, and what the payload has of them. */
export class Block {
  readonly members: Member[]
  /** `"name":text,` of each variable, in UTF-8; undefined since one of them has changed. */
  bytes: Uint8Array | undefined
  /** While the block is as it was loaded, and has no members yet: the hashes of their names. */
  hashes: Uint32Array | undefined

  constructor(members: Member[], bytes?: Uint8Array, hashes?: Uint32Array) {
    this.members = members
    this.bytes = bytes
    this.hashes = hashes
    for (const member of members) member.block = this
  }

  /** The texts of its variables by name. */
  texts(): Iterable<readonly [name: string, text: string | undefined]> {
    if (this.hashes === undefined) return this.members.map(({ name, text }) => [name, text] as const)
    return memberTexts(`{${decoder.decode(this.bytes)}}`)
  }
}

const decoder = new TextDecoder()

/** A variable as a block has it. */
export function memberText(name: string, text: string | undefined): string {
  return text === undefined ? '' : `${JSON.stringify(name)}:${text},`
}

/** Encodes variables in blocks of a limited size; a variable that is larger has a block of its own. */
export function encodedBlocks(members: readonly Member[]): Block[] {
  const blocks: Block[] = []
  let inside: Member[] = []
  let texts = ''
  const close = () => {
    if (inside.length > 0) blocks.push(new Block(inside, encodeText(texts)))
    inside = []
    texts = ''
  }
  for (const member of members) {
    const text = memberText(member.name, member.text)
    if (texts.length + text.length > BLOCK_CHARACTERS) close()
    inside.push(member)
    texts += text
  }
  close()
  return blocks
}
