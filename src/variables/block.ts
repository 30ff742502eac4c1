import { encodeText, sameBytes } from '../format/bytes.ts'
import { memberTexts } from '../format/payload.ts'

/** The most characters in a block: a change costs as many, and a save a call for each block. */
const BLOCK_CHARACTERS = 4096

/** The shortest member is `"":0,`: so many variables that have no text yet fill a block. */
export const MOST_MEMBERS: number = Math.floor(BLOCK_CHARACTERS / 5)

const COMMA = 0x2c

/** What a block knows of a variable. */
export interface Member {
  readonly name: string
  /** Its JSON text; undefined: the payload does not have it. */
  readonly text: string | undefined
  /** The text that the backend is known to hold. */
  readonly confirmed: string | undefined
  block: Block | undefined
}

/** Variables that follow one another in the payload, and what the payload has of them. */
export class Block {
  /** In their order; a set, since all of many may be taken out one by one. */
  readonly members: Set<Member>
  /** `"name":text,` of each variable, in UTF-8; undefined since one of them has changed. */
  bytes: Uint8Array | undefined
  /** While the block is as it was loaded, and has no members yet: the hashes of their names. */
  hashes: Uint32Array | undefined

  constructor(members: readonly Member[], bytes?: Uint8Array, hashes?: Uint32Array) {
    this.members = new Set(members)
    this.bytes = bytes
    this.hashes = hashes
    for (const member of members) member.block = this
  }

  /** Its bytes, where the backend is known to hold just them. */
  get confirmedBytes(): Uint8Array | undefined {
    for (const { text, confirmed } of this.members) if (text !== confirmed) return undefined
    return this.bytes
  }

  /** The texts of its variables, as they are or as the backend is known to hold them. */
  texts(which: 'text' | 'confirmed'): (readonly [name: string, text: string | undefined])[] {
    if (this.hashes === undefined) return Array.from(this.members, (member) => [member.name, member[which]] as const)
    return [...textsIn(this.bytes as Uint8Array)]
  }
}

const decoder = new TextDecoder()

/** The texts in the bytes of a block. */
export function textsIn(bytes: Uint8Array): Map<string, string> {
  return memberTexts(`{${decoder.decode(bytes)}}`)
}

/** A variable as a block has it. */
export function memberText(name: string, text: string | undefined): string {
  return text === undefined ? '' : `${JSON.stringify(name)}:${text},`
}

/** Encodes variables in blocks of a limited size; a variable that is larger has a block of its own. */
export function encodedBlocks(members: Iterable<Member>): Block[] {
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

/**
 * What is left of blocks, and of another writer's members with commas behind them, without those at the beginning and at the
 * end that are the same: mostly, another writer changes little.
 */
export function differentPart(blocks: readonly Block[], bytes: Uint8Array): { blocks: Block[]; bytes: Uint8Array } {
  let from = 0
  let first = 0
  for (; first < blocks.length; first++) {
    const own = blocks[first]?.confirmedBytes
    if (own === undefined || !sameBytes(own, bytes.subarray(from, from + own.length))) break
    from += own.length
  }
  let end = bytes.length
  let last = blocks.length
  for (; last > first; last--) {
    const own = blocks[last - 1]?.confirmedBytes
    if (own === undefined || !sameBytes(own, bytes.subarray(Math.max(from, end - own.length), end))) break
    // Not behind a comma, these bytes could be the end of a longer name.
    const before = end - own.length
    if (before > from && bytes[before - 1] !== COMMA) break
    end = before
  }
  return { blocks: blocks.slice(first, last), bytes: bytes.subarray(from, end) }
}
