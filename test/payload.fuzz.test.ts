import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { PersistError } from '../src/errors.ts'
import { decodePayload, joinPayload } from '../src/payload.ts'
import { bytesOf, HeldBackend } from './helpers/held-backend.ts'

/** How many inputs; FUZZ_INPUTS=1000000 for a long run. */
const INPUTS = Number(process.env.FUZZ_INPUTS ?? 200_000)
const SEED = Number(process.env.FUZZ_SEED ?? 20_260_101)

/** Numbers from 0 to below 1 that a seed determines (mulberry32), so that every failure can be run again. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const recorded: { payload: string }[] = JSON.parse(
  readFileSync(new URL('fixtures/js-written-read-by-berry.json', import.meta.url), 'utf8'),
)
const corpus = [
  ...recorded.map(({ payload }) => payload).filter((payload) => payload.length < 300),
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
  '{"a":{"__proto__":[1]},"save":1,"":null,"\\u0061":2}',
  '{"n":1e400,"m":-0,"k":0.1e-7}',
].map(bytesOf)
const pieces = [
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ',',
  ':',
  '\\"',
  '1e999',
  '"__proto__":',
  '\\ud83d',
  '\u0000',
  ' ',
  'null',
].map(bytesOf)

/** One of the corpus with some bytes changed, taken out, put in, or spliced with another one. */
function mutated(random: () => number): Uint8Array {
  const some = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item
  let bytes = some(corpus)
  for (let times = 1 + Math.floor(random() * 4); times > 0; times--) {
    const at = Math.floor(random() * (bytes.length + 1))
    const to = Math.min(bytes.length, at + Math.floor(random() * 8))
    const other = some(corpus)
    const put = [some(pieces), Uint8Array.of(random() * 256), new Uint8Array(), other.subarray(random() * other.length)]
    bytes = Uint8Array.from([...bytes.subarray(0, at), ...some(put), ...bytes.subarray(to)])
  }
  return bytes
}

it(`a payload is a pool or refused as none, whatever it is (${INPUTS} inputs from seed ${SEED})`, {
  timeout: 600_000,
}, () => {
  const random = randomFrom(SEED)
  let pools = 0
  for (let input = 0; input < INPUTS; input++) {
    const bytes = mutated(random)
    try {
      const { values, texts } = decodePayload(bytes, 'fuzzed')
      // What was cut into texts says, put together again, what the whole said.
      expect(JSON.parse(joinPayload(texts))).toEqual(values)
      pools++
    } catch (error) {
      if (error instanceof PersistError && error.code === 'ERR_PERSIST_BAD_PAYLOAD') continue
      throw new Error(`input ${input} of seed ${SEED}: ${JSON.stringify(new TextDecoder().decode(bytes))}`, {
        cause: error,
      })
    }
  }
  expect(pools).toBeGreaterThan(INPUTS / 100)
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

it('a live store takes in whatever others write, and always holds a pool itself', { timeout: 600_000 }, async () => {
  const random = randomFrom(SEED + 1)
  const backend = new HeldBackend('{"mine":1}')
  const pt = await backend.openers.openStore({ name: 'fuzzed', saveOnExit: false })
  pt.$on('error', () => {})
  for (let input = 0; input < INPUTS / 10; input++) {
    backend.listener.changed(mutated(random))
    if (random() < 0.1) pt.mine = input
    if (random() < 0.2) await pt.save()
  }
  // What others wrote is known to be held; sent once more, it can be looked at.
  pt.dirty()
  await pt.save()
  // Through JSON.stringify both, which writes -0 as 0.
  const held = JSON.stringify(JSON.parse(backend.text ?? ''))
  expect(JSON.parse(held)).toEqual(JSON.parse(JSON.stringify(pt)))
  expect(Object.keys(Object.prototype)).toEqual([])
  await pt.$close()
})
