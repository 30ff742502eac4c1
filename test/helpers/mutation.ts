import { readFileSync } from 'node:fs'
import { parseJson } from '../../src/format/parse-json.ts'
import { bytesOf } from './bytes.ts'

/** Numbers from 0 to below 1 that a seed determines (mulberry32), so that every failure can be run again. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Payloads that were recorded, and some that mean harm. */
export const payloads: readonly string[] = [
  ...recorded('js-written-read-by-berry.json', 'payload'),
  ...recorded('berry-written.json', 'payload_utf8'),
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
  '{"a":{"__proto__":[1]},"save":1,"":null,"\\u0061":2}',
  '{"n":1e400,"m":-0,"k":0.1e-7}',
]

function recorded(file: string, field: string): string[] {
  const all: Record<string, unknown>[] = JSON.parse(
    readFileSync(new URL(`../fixtures/${file}`, import.meta.url), 'utf8'),
  )
  return all.map((one) => one[field]).filter((text) => typeof text === 'string' && text.length < 300) as string[]
}

const PIECES = [
  ...['{', '}', '[', ']', '"', '\\', ',', ':', '\\"', ' ', '\u0000', '\\ud83d', '\ud800'],
  ...['1e999', '-1', 'null', 'true', '"__proto__":', '"constructor":', '"mine":', '{"a":'],
].map(bytesOf)

/** Makes one of a corpus, with some bytes changed, taken out, put in, or spliced with another one. */
export function mutator(texts: readonly string[], random: () => number): () => Uint8Array {
  const corpus = texts.map(bytesOf)
  const some = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item
  return () => {
    let bytes = some(corpus)
    for (let times = 1 + Math.floor(random() * 4); times > 0; times--) {
      const at = Math.floor(random() * (bytes.length + 1))
      const to = Math.min(bytes.length, at + Math.floor(random() * 8))
      const other = some(corpus)
      const put = [
        some(PIECES),
        Uint8Array.of(random() * 256),
        new Uint8Array(),
        other.subarray(random() * other.length),
      ]
      bytes = Uint8Array.from([...bytes.subarray(0, at), ...some(put), ...bytes.subarray(to)])
    }
    return bytes
  }
}

/** How many inputs, and from which seed: FUZZ_INPUTS and FUZZ_SEED where they are set. */
export const INPUTS: number = Number(process.env.FUZZ_INPUTS ?? 250_000)
export const SEED: number = Number(process.env.FUZZ_SEED ?? 20_260_101)

/** Throws with the input that a check failed for. */
export function reporting(input: number, bytes: Uint8Array, check: () => void): void {
  try {
    check()
  } catch (cause) {
    throw new Error(`input ${input} of seed ${SEED}: ${JSON.stringify(new TextDecoder().decode(bytes))}`, { cause })
  }
}

/** The same JSON, whatever the order of its names; -0 is 0, as JSON.stringify has it. */
export function normalised(text: string): unknown {
  return parseJson(JSON.stringify(parseJson(text)))
}

const unpolluted = JSON.stringify([Object.prototype, Array.prototype].map((each) => Reflect.ownKeys(each).map(String)))

/** Throws where something has got into what every object has. */
export function assertNotPolluted(): void {
  const now = JSON.stringify([Object.prototype, Array.prototype].map((each) => Reflect.ownKeys(each).map(String)))
  if (now !== unpolluted) throw new Error(`polluted: ${now}`)
}
