import { sizeOfText } from '../format/bytes.ts'
import { nameHash } from '../format/members.ts'
import type { DecodedPayload } from '../format/payload.ts'
import { atOnce, type Steps } from '../runtime/slices.ts'
import { Block, differentPart, encodedBlocks, MOST_MEMBERS, textsIn } from './block.ts'
import { Variable } from './variable.ts'

const CLOSING_BRACE = 0x7d
/** The bytes of the payload of no variable: the braces. */
const EMPTY_SIZE = 2
/** Of a variable, beside its name and its text: the colon and the comma. */
const PUNCTUATION_SIZE = 2

/**
 * The variables of a pool, with those that the program removed and the backend still holds, and their payload.
 *
 * The payload is kept in blocks, so that a change costs the encoding of one block, whatever the size of the pool. A block
 * that was loaded is left as it is until somebody asks for one of its variables.
 */
export class KnownVariables {
  /** Those that have been asked for, with their neighbours. */
  readonly #byName = new Map<string, Variable>()
  readonly #hasValue: (name: string) => boolean
  #blocks: Block[] = []

  /** @param hasValue is there a value of that name? */
  constructor(hasValue: (name: string) => boolean) {
    this.#hasValue = hasValue
  }

  /** Takes the payload of a pool, as the backend holds it. */
  load(pool: DecodedPayload): void {
    const { runs } = pool.members
    const bytes = pool.memberBytes()
    const start = runs[0]?.from ?? 0
    this.#blocks = runs.map(({ from, end, hashes }) => new Block([], bytes.subarray(from - start, end - start), hashes))
  }

  find(name: string): Variable | undefined {
    const found = this.#byName.get(name)
    if (found !== undefined || !this.#hasValue(name)) return found
    const hash = nameHash(name)
    for (const block of this.#blocks) if (block.hashes?.includes(hash)) this.#open(block)
    return this.#byName.get(name)
  }

  /**
   * Opens all blocks, before as many variables are asked for as there are blocks or more: looking for one after the other
   * would then take as long as their number times the size of the pool.
   */
  *openFor(count: number): Steps {
    if (count < this.#blocks.length) return
    for (const block of this.#blocks) {
      if (block.hashes === undefined) continue
      this.#open(block)
      yield
    }
  }

  /** The variable of that name, or a new one, which is not kept yet. */
  of(name: string): Variable {
    return this.find(name) ?? new Variable(name)
  }

  /** The names of all variables. */
  names(): string[] {
    return this.texts().map(([name]) => name)
  }

  /** The texts of all variables by name, in the order of the payload. */
  texts(): (readonly [name: string, text: string | undefined])[] {
    return this.#blocks.flatMap((block) => block.texts('text'))
  }

  /** What a pool has of the variables of which the backend was known to hold something else; undefined: nothing. */
  differing(pool: DecodedPayload): Map<string, string | undefined> {
    const { blocks, bytes } = differentPart(this.#blocks, pool.memberBytes())
    const others = textsIn(bytes)
    const changed = new Map<string, string | undefined>()
    for (const block of blocks) {
      for (const [name, confirmed] of block.texts('confirmed')) {
        const text = others.get(name)
        if (text !== confirmed) changed.set(name, text)
        others.delete(name)
      }
    }
    for (const [name, text] of others) changed.set(name, text)
    atOnce(this.openFor(changed.size))
    return changed
  }

  /** Keeps a variable; a new one comes last in the payload. */
  keep(variable: Variable): void {
    if (variable.block !== undefined) return
    this.#byName.set(variable.name, variable)
    let last = this.#blocks.at(-1)
    if (last === undefined || last.hashes !== undefined || last.members.size >= MOST_MEMBERS) {
      last = new Block([], new Uint8Array())
      this.#blocks.push(last)
    }
    // What the block has stays right: the variable has no text yet.
    last.members.add(variable)
    variable.block = last
  }

  /** Forgets a variable that is gone here and at the backend. */
  forget(variable: Variable): void {
    const { block } = variable
    if (block === undefined) return
    this.#byName.delete(variable.name)
    block.members.delete(variable)
    variable.block = undefined
  }

  /** The bytes that the payload would have with other texts of some variables; undefined: without that variable. */
  sizeWith(texts: Iterable<{ readonly variable: Variable; readonly text: string | undefined }>): number {
    let size = payloadSize(this.#encoded())
    for (const { variable, text } of texts)
      size += memberSize(variable.name, text) - memberSize(variable.name, variable.text)
    return Math.max(EMPTY_SIZE, size)
  }

  /**
   * The payload, as the texts of the variables are.
   *
   * @param start its beginning: the brace and perhaps members, each with a comma behind it
   */
  payload(start: Uint8Array): Uint8Array {
    const blocks = this.#encoded()
    const sizeBytes = payloadSize(blocks) - 1 + start.length
    const bytes = new Uint8Array(Math.max(EMPTY_SIZE, sizeBytes))
    bytes.set(start)
    let at = start.length
    for (const members of blocks) {
      bytes.set(members, at)
      at += members.length
    }
    // In the place of the comma behind the last member.
    bytes[bytes.length - 1] = CLOSING_BRACE
    return bytes
  }

  /** Makes variables of a loaded block. */
  #open(block: Block): void {
    for (const [name, text] of block.texts('text')) {
      const variable = new Variable(name, text)
      variable.block = block
      block.members.add(variable)
      this.#byName.set(name, variable)
    }
    block.hashes = undefined
  }

  /** Encodes the blocks with a change, one at each step. */
  *encode(): Steps {
    for (let at = 0; at < this.#blocks.length; at++) {
      const block = this.#blocks[at] as Block
      if (block.bytes !== undefined) continue
      const encoded = encodedBlocks(block.members)
      this.#blocks.splice(at, 1, ...encoded)
      at += encoded.length - 1
      yield
    }
  }

  /** The members, each with a comma behind it. */
  #encoded(): Uint8Array[] {
    atOnce(this.encode())
    return this.#blocks.map(({ bytes }) => bytes as Uint8Array)
  }
}

/** The braces and the members; the closing brace takes the place of the last comma. */
function payloadSize(blocks: readonly Uint8Array[]): number {
  return blocks.reduce((sum, { length }) => sum + length, 1)
}

function memberSize(name: string, text: string | undefined): number {
  return text === undefined ? 0 : sizeOfText(JSON.stringify(name)) + sizeOfText(text) + PUNCTUATION_SIZE
}
