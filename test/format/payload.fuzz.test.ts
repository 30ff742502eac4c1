import { expect, it } from 'vitest'
import { parseJson } from '../../src/format/parse-json.ts'
import { decodePayload, joinPayload } from '../../src/format/payload.ts'
import { PersistError } from '../../src/runtime/errors.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
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

it(`a payload is a pool or refused as none, whatever it is (${INPUTS} inputs from seed ${SEED})`, {
  timeout: 600_000,
}, () => {
  const next = mutator(payloads, randomFrom(SEED))
  let pools = 0
  for (let input = 0; input < INPUTS; input++) {
    const bytes = next()
    reporting(input, bytes, () => {
      try {
        const { values, texts } = decodePayload(bytes, 'fuzzed')
        // What was cut into texts says, put together again, what the whole said.
        const again = parseJson(joinPayload(texts))
        if (JSON.stringify(again) !== JSON.stringify(values)) expect(again).toEqual(values)
        pools++
      } catch (error) {
        if (!(error instanceof PersistError && error.code === 'ERR_PERSIST_BAD_PAYLOAD')) throw error
      }
    })
  }
  expect(pools).toBeGreaterThan(INPUTS / 100)
  assertNotPolluted()
})

it('a live store takes in whatever others write, and always holds a pool itself', { timeout: 600_000 }, async () => {
  const random = randomFrom(SEED + 1)
  const next = mutator(payloads, random)
  const backend = new HeldBackend('{"mine":1}')
  const pt = await backend.openers.openStore({ name: 'fuzzed', saveOnExit: false })
  pt.$on('error', () => {})
  for (let input = 0; input < INPUTS / 10; input++) {
    backend.foreign(next())
    // Names that others have chosen may hide any member.
    if (random() < 0.1) pt.mine = input
    if (random() < 0.2) await pt.save()
    if (input % 1000 === 999) {
      // What others wrote is known to be held; sent once more, it can be looked at.
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
