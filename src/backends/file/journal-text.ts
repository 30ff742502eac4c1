import { createHash } from 'node:crypto'
import type { JournalContents, JournalEntry, JournalRevisions, JournalStep } from '../../contracts/journal.ts'
import { encodeText } from '../../format/bytes.ts'
import { decodePayload, joinPayload } from '../../format/payload.ts'
import { PersistError, reasonOf } from '../../runtime/errors.ts'

const HEADING = 'persist-mqtt journal 1'

/** A variable in the file: name, text, base, sent; null where there is no such variable. */
type Row = [name: string, text: string | null, base: string | null, sent: (string | null)[]]

/** A step in the file: the name of a pool, and what that had otherwise. */
type StepRow = [from: string, before: [name: string, text: string | null][]]

/**
 * The text of a journal: a line with a checksum, and a line of JSON.
 *
 * Values are JSON texts in strings inside that JSON, so that they come back unaltered.
 */
export function encodeJournal(store: string, { entries, clean, revisions }: JournalContents): string {
  const rows = Array.from(entries, ([name, { text, base, sent }]): Row => {
    return [name, text ?? null, base ?? null, sent.map((one) => one ?? null)]
  })
  const members = JSON.stringify({ store, clean, variables: rows })
  const body = revisions ? `${members.slice(0, -1)},"revisions":${revisionsText(revisions)}}` : members
  return `${HEADING} ${checksum(body)}\n${body}\n`
}

/** Most steps are those of the write before. */
const stepTexts = new WeakMap<JournalStep, string>()

function textOf(step: JournalStep): string {
  const known = stepTexts.get(step)
  if (known !== undefined) return known
  const row: StepRow = [step.from, Array.from(step.before, ([name, text]) => [name, text ?? null])]
  const text = JSON.stringify(row)
  stepTexts.set(step, text)
  return text
}

function revisionsText({ held, steps, sent }: JournalRevisions): string {
  return `{"held":${JSON.stringify(held)},"steps":[${steps.map(textOf)}],"sent":[${sent.map(textOf)}]}`
}

/**
 * Reads the text that {@link encodeJournal} wrote.
 *
 * @throws {PersistError} ERR_PERSIST_JOURNAL: it is no journal, was altered, or has variables of another store
 */
export function decodeJournal(store: string, text: string, place: string): JournalContents {
  const fault = (reason: string, cause?: unknown) =>
    new PersistError('ERR_PERSIST_JOURNAL', `The journal ${place} cannot be used: ${reason}.`, { store, cause })
  const [first = '', body = '', ...rest] = text.split('\n')
  if (!first.startsWith(HEADING)) throw fault('the file is no journal of this version of persist-mqtt')
  if (rest.length !== 1 || rest[0] !== '' || first !== `${HEADING} ${checksum(body)}`) {
    throw fault('the file is torn or was altered: its checksum does not fit')
  }
  let found: { store: string; contents: JournalContents }
  try {
    found = read(JSON.parse(body))
  } catch (cause) {
    throw fault(`its contents are not what a journal has (${reasonOf(cause)})`, cause)
  }
  // A journal without entries may be of another store: there is nothing in it to lose or to mix up.
  if (found.store !== store && found.contents.entries.size > 0) {
    throw fault(`it has unsaved variables of another store, ${found.store}`)
  }
  return found.store === store ? found.contents : { entries: new Map(), clean: found.contents.clean }
}

function read(body: unknown): { store: string; contents: JournalContents } {
  const { store, clean, variables, revisions } = body as Partial<Record<string, unknown>>
  assert(typeof store === 'string' && typeof clean === 'boolean' && Array.isArray(variables), 'members')
  const entries = new Map<string, JournalEntry>()
  for (const row of variables as unknown[]) {
    assert(Array.isArray(row) && row.length === 4 && typeof row[0] === 'string' && Array.isArray(row[3]), 'a variable')
    const [name, text, base, sent] = row as [string, unknown, unknown, unknown[]]
    entries.set(name, { text: jsonText(text), base: jsonText(base), sent: sent.map(jsonText) })
  }
  return {
    store,
    contents: { entries, clean, revisions: revisions === undefined ? undefined : revisionsIn(revisions) },
  }
}

function revisionsIn(found: unknown): JournalRevisions {
  const { held, steps, sent } = found as Partial<Record<string, unknown>>
  assert(typeof held === 'string' && Array.isArray(steps) && Array.isArray(sent), 'revisions')
  return { held, steps: steps.map(stepIn), sent: sent.map(stepIn) }
}

function stepIn(row: unknown): JournalStep {
  assert(Array.isArray(row) && row.length === 2 && typeof row[0] === 'string' && Array.isArray(row[1]), 'a revision')
  const before = new Map<string, string | undefined>()
  for (const each of row[1] as unknown[]) {
    assert(Array.isArray(each) && each.length === 2 && typeof each[0] === 'string', 'a variable of a revision')
    before.set(each[0], jsonText(each[1]))
  }
  return { from: row[0], before }
}

/** Checks that a text is one JSON value that a pool can hold, by decoding a pool with it. */
function jsonText(text: unknown): string | undefined {
  if (text === null) return undefined
  assert(typeof text === 'string', 'a text')
  JSON.parse(text)
  decodePayload(encodeText(joinPayload([['value', text]])), 'the journal')
  return text
}

function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new TypeError(`${what} missing or of another type`)
}

/** Against accidents, not against attackers, who could write a checksum as well. */
function checksum(body: string): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 32)
}
