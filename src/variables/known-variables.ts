import { encodeText } from '../format/bytes.ts'
import { Block, encodedBlocks, memberText } from './block.ts'
import type { Variable } from './variable.ts'

const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d
/** The bytes of the payload of no variable: the braces. */
const EMPTY_SIZE = 2

/**
 * The variables of a pool, with those that the program removed and the backend still holds, and their payload.
 *
 * The payload is kept in blocks, so that a change costs the encoding of one block, whatever the size of the pool.
 */
export class KnownVariables {
  readonly #byName = new Map<string, Variable>()
  readonly #create: (name: string) => Variable
  #blocks: Block[] = []

  /** @param create makes a variable without a value */
  constructor(create: (name: string) => Variable) {
    this.#create = create
  }

  find(name: string): Variable | undefined {
    return this.#byName.get(name)
  }

  /** The variable of that name, or a new one, which is not kept yet. */
  of(name: string): Variable {
    return this.#byName.get(name) ?? this.#create(name)
  }

  all(): Iterable<Variable> {
    return this.#byName.values()
  }

  names(): string[] {
    return [...this.#byName.keys()]
  }

  /** Keeps a variable; a new one comes last in the payload. */
  keep(variable: Variable): void {
    if (variable.block !== undefined) return
    this.#byName.set(variable.name, variable)
    const last = this.#blocks.at(-1)
    if (last === undefined) return void this.#blocks.push(new Block([variable]))
    // What the block has stays right: the variable has no text yet.
    last.members.push(variable)
    variable.block = last
  }

  /** Forgets a variable that is gone here and at the backend. */
  forget(variable: Variable): void {
    const { block } = variable
    if (block === undefined) return
    this.#byName.delete(variable.name)
    block.members.splice(block.members.indexOf(variable), 1)
    variable.block = undefined
  }

  /** The bytes that the payload would have with other texts of some variables; undefined: without that variable. */
  sizeWith(texts: ReadonlyMap<string, string | undefined>): number {
    let size = payloadSize(this.#encoded())
    for (const [name, text] of texts) size += memberSize(name, text) - memberSize(name, this.find(name)?.text)
    return Math.max(EMPTY_SIZE, size)
  }

  /** The payload, as the texts of the variables are. */
  payload(): Uint8Array {
    const blocks = this.#encoded()
    const bytes = new Uint8Array(Math.max(EMPTY_SIZE, payloadSize(blocks)))
    bytes[0] = OPENING_BRACE
    let at = 1
    for (const members of blocks) {
      bytes.set(members, at)
      at += members.length
    }
    // In the place of the comma behind the last member.
    bytes[bytes.length - 1] = CLOSING_BRACE
    return bytes
  }

  /** The members, each with a comma behind it. */
  #encoded(): Uint8Array[] {
    this.#blocks = this.#blocks.flatMap((block) => (block.bytes === undefined ? encodedBlocks(block.members) : block))
    return this.#blocks.map(({ bytes }) => bytes as Uint8Array)
  }
}

/** The braces and the members; the closing brace takes the place of the last comma. */
function payloadSize(blocks: readonly Uint8Array[]): number {
  return blocks.reduce((sum, { length }) => sum + length, 1)
}

function memberSize(name: string, text: string | undefined): number {
  return encodeText(memberText(name, text)).length
}
