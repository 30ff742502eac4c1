import { encodeText } from '../format/bytes.ts'

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

  constructor(members: Member[], bytes?: Uint8Array) {
    this.members = members
    this.bytes = bytes
    for (const member of members) member.block = this
  }
}

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
