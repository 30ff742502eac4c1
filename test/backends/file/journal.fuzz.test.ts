import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { decodeJournal, encodeJournal } from '../../../src/backends/file/journal-text.ts'
import type { JournalContents, JournalEntry } from '../../../src/contracts/journal.ts'
import { decodePayload } from '../../../src/format/payload.ts'
import { recovered } from '../../../src/merge/recovery.ts'
import { PersistError } from '../../../src/runtime/errors.ts'
import { bytesOf } from '../../helpers/bytes.ts'
import { HeldBackend } from '../../helpers/held-backend.ts'
import { journalPath, openJournaled } from '../../helpers/journaled-store.ts'
import { assertNotPolluted, INPUTS, mutator, payloads, randomFrom, reporting, SEED } from '../../helpers/mutation.ts'

const TOPIC = 'stat/garage/PersistMQTT'

/** Journals with the variables of recorded pools; the bodies alone, the first line is made of them. */
const bodies = payloads.flatMap((payload, index) => {
  try {
    const { texts } = decodePayload(bytesOf(payload), 'any')
    const entries = Array.from(texts, ([name, text]): [string, JournalEntry] => {
      return [
        name,
        { text: index % 5 === 0 ? undefined : text, base: index % 2 ? '1' : undefined, sent: ['2', undefined] },
      ]
    })
    const text = encodeJournal(TOPIC, { entries: new Map(entries), clean: index % 3 === 0 })
    return [text.split('\n')[1] as string]
  } catch {
    return []
  }
})

/** With the checksum that fits: an accident would not have it, and what is behind it is to be looked at. */
function signed(body: string): string {
  const checksum = createHash('sha256').update(body).digest('hex').slice(0, 32)
  return `persist-mqtt journal 1 ${checksum}\n${body}\n`
}

it(`a journal is read or refused, whatever the file has (${INPUTS} inputs from seed ${SEED})`, {
  timeout: 600_000,
}, () => {
  const random = randomFrom(SEED)
  const next = mutator(bodies, random)
  const pool = decodePayload(bytesOf('{"a":{"b":1},"n":2}'), 'any')
  const decoder = new TextDecoder()
  let journals = 0
  for (let input = 0; input < INPUTS; input++) {
    const bytes = next()
    const body = decoder.decode(bytes)
    const text = random() < 0.1 ? body : signed(body)
    reporting(input, bytes, () => {
      let contents: JournalContents
      try {
        contents = decodeJournal(TOPIC, text, 'file')
      } catch (error) {
        if (error instanceof PersistError && error.code === 'ERR_PERSIST_JOURNAL') return
        throw error
      }
      journals++
      const again = input % 10 === 0 ? encodeJournal(TOPIC, contents) : undefined
      if (again && encodeJournal(TOPIC, decodeJournal(TOPIC, again, 'file')) !== again)
        expect(again).toBe('the same again')
      for (const [name, entry] of contents.entries)
        recovered(name, entry, pool, { onConflict: 'local', storeName: 'any' })
    })
  }
  expect(journals).toBeGreaterThan(INPUTS / 100)
  assertNotPolluted()
})

it('a store opens, and saves, whatever the file of its journal has', { timeout: 600_000 }, async () => {
  const random = randomFrom(SEED + 1)
  const next = mutator(bodies, random)
  const path = journalPath()
  for (let input = 0; input < INPUTS / 1000; input++) {
    const body = new TextDecoder().decode(next())
    await writeFile(path, random() < 0.2 ? next() : signed(body))
    const backend = new HeldBackend('{"mine":1,"a":2}')
    const { pt, errors } = await openJournaled(backend, path)
    pt.mine = input
    await pt.save()
    expect(decodePayload(bytesOf(backend.text as string), 'any').values.mine).toBe(input)
    await pt.$close()
    for (const { code } of errors) expect(code).toBe('ERR_PERSIST_JOURNAL')
  }
  assertNotPolluted()
})
