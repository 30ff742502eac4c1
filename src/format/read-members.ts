import type { Steps } from '../runtime/slices.ts'
import { type ExactJson, type ExactObject, exactVariables, parseExact } from './exact-json.ts'
import { type Run, scanMembers } from './members.ts'
import { decodeObject } from './payload.ts'

const decoder = new TextDecoder()

/**
 * Reads the members of one JSON object as decodeObject() does, a few kilobytes at a time, with the digits of their numbers.
 *
 * Read alone, each run of members is an object too. Where the runs are not all that there is between the braces, the whole
 * is read at once, which says what is wrong.
 */
export function* readMembers(
  bytes: Uint8Array,
  refuse: (reason: string, cause?: unknown) => Error,
  limitBytes: number,
): Steps<Map<string, ExactJson>> {
  const members = new Map<string, ExactJson>()
  const runs = bytes.length > limitBytes ? [] : cleanRuns(bytes)
  try {
    for (const { from, end } of runs) {
      const values = parseExact(`{${decoder.decode(bytes.subarray(from, end - 1))}}`) as ExactObject
      for (const name of Object.keys(values)) members.set(name, values[name] as ExactJson)
      yield
    }
    if (runs.length > 0) return members
  } catch {
    // Not JSON.
  }
  return new Map(Object.entries(exactVariables(decodeObject(bytes, refuse, limitBytes).texts)))
}

/** The runs of members, if there is nothing else between the braces of an object, and only white space around them. */
function cleanRuns(bytes: Uint8Array): readonly Run[] {
  const { runs, mayOverflow } = scanMembers(bytes) ?? { runs: [], mayOverflow: false }
  const [first, last] = [runs[0], runs.at(-1)]
  if (first === undefined || last === undefined || mayOverflow) return []
  const start = decoder.decode(bytes.subarray(0, first.from))
  const end = decoder.decode(bytes.subarray(last.end - 1))
  const isObject = /^[ \t\r\n]*\{$/.test(start) && /^\}[ \t\r\n]*$/.test(end)
  return isObject && runs.every(({ from }, index) => index === 0 || from === runs[index - 1]?.end) ? runs : []
}
