import { expect, it } from 'vitest'
import { plain } from '../../src/format/exact-json.ts'
import { type JsonObject, type JsonValue, ownValue } from '../../src/format/json.ts'
import { parseJson } from '../../src/format/parse-json.ts'
import { decodePayload } from '../../src/format/payload.ts'
import { mergePatch, readRequest, requested } from '../../src/merge/merge-patch.ts'
import { PersistError } from '../../src/runtime/errors.ts'
import { atOnce } from '../../src/runtime/slices.ts'
import { type EditAnswer, HeldBackend } from '../helpers/held-backend.ts'
import {
  assertNotPolluted,
  INPUTS,
  mutator,
  normalised,
  payloads,
  randomFrom,
  reporting,
  SEED,
} from '../helpers/mutation.ts'

const requests = [
  ...payloads,
  '{"n":1,"total":-2.5}',
  '{"a":{"b":null,"c":{"d":[1,null]}},"n":null}',
  '{"mine":{"__proto__":{"polluted":null}},"toString":null,"n":1e308}',
]
const TARGET = parseJson('{"a":{"b":1,"c":2},"n":1e308,"mine":{"x":{"__proto__":{"y":1}}},"list":[1]}') as JsonObject
const CODES = ['ERR_PERSIST_BAD_PAYLOAD', 'ERR_PERSIST_NOT_STORABLE']

it(`a patch is applied or refused, whatever it is (${INPUTS} inputs from seed ${SEED})`, { timeout: 600_000 }, () => {
  const next = mutator(requests, randomFrom(SEED))
  const before = JSON.stringify(TARGET)
  const current = (name: string) => ownValue(TARGET, name)
  let applied = 0
  for (let input = 0; input < INPUTS; input++) {
    const bytes = next()
    reporting(input, bytes, () => {
      for (const kind of ['patch', 'increment'] as const) {
        try {
          const asked = atOnce(readRequest(kind, bytes, 'fuzzed'))
          for (const [name, part] of asked) {
            const value = requested(kind, name, part, current(name))
            if (kind === 'increment') {
              if (!Number.isFinite(value)) expect(value).toBe('a finite number')
              // Applied twice it says the same.
            } else if (value !== undefined && input % 10 === 0) expectIdempotent(plain(value), bytes, name)
          }
          applied++
        } catch (error) {
          if (!(error instanceof PersistError && CODES.includes(error.code))) throw error
        }
      }
    })
  }
  expect(applied).toBeGreaterThan(INPUTS / 100)
  // Neither the target nor what every object has was written to.
  expect(JSON.stringify(TARGET)).toBe(before)
  assertNotPolluted()
})

function expectIdempotent(merged: JsonValue, bytes: Uint8Array, name: string): void {
  const patch = ownValue(decodePayload(bytes, 'any').values, name) as JsonValue
  const again = mergePatch(merged, patch)
  if (JSON.stringify(again) !== JSON.stringify(merged)) expect(again).toEqual(merged)
}

it('an owner does what is asked or answers why not, and always holds a pool', { timeout: 600_000 }, async () => {
  const random = randomFrom(SEED + 1)
  const next = mutator(requests, random)
  const backend = new HeldBackend('{"mine":1,"n":2}')
  const pt = await backend.openers.openStore({ name: 'fuzzed', saveOnExit: false })
  pt.$on('error', () => {})
  const answers: Promise<EditAnswer>[] = []
  for (let input = 0; input < INPUTS / 10; input++) {
    const kind = random() < 0.5 ? 'patch' : 'increment'
    answers.push(backend.request(kind, next(), random() < 0.5))
    if (input % 1000 === 999) {
      for (const { ok, error } of await Promise.all(answers.splice(0))) {
        if (!ok) expect(error?.code).toMatch(/^ERR_PERSIST_(BAD_PAYLOAD|NOT_STORABLE|RESERVED_NAME)$/)
      }
      pt.dirty()
      await pt.save()
      expect(normalised(backend.text ?? '')).toEqual(normalised(JSON.stringify(pt)))
      // Else it would only ever grow.
      await pt.zero(true)
    }
  }
  assertNotPolluted()
  await pt.$close()
})
