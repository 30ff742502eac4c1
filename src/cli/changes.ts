import { printExact } from '../format/exact-json.ts'
import type { PoolChange } from '../pools/pool-changes.ts'
import type { Io } from './io.ts'
import { coloured, printable, shortJson } from './print.ts'

/** Changes of a pool, a variable a line: `+` made, `-` removed, `~` another value. */
export function changeLines(changes: readonly PoolChange[], io: Io): string[] {
  const width = Math.max(0, ...changes.map(({ name }) => printable(name).length))
  return changes.map(({ name, before, after }) => {
    const shown = printable(name).padEnd(width)
    if (before === undefined) return coloured(io, 'green', `+ ${shown}  ${shortJson(after)}`)
    if (after === undefined) return coloured(io, 'red', `- ${shown}  ${shortJson(before)}`)
    const [from, to] = cutToDifference(printExact(before), printExact(after))
    return coloured(io, 'yellow', `~ ${shown}  ${from} → ${to}`)
  })
}

const WIDTH = 60
/** What stays before the first difference, in characters. */
const BEFORE = 15

/** Two long texts, from shortly before the place where they begin to differ. */
function cutToDifference(...texts: readonly [string, string]): string[] {
  const [one, other] = texts
  let at = 0
  while (one[at] === other[at] && at < one.length) at++
  const start = at + BEFORE > WIDTH ? at - BEFORE : 0
  return texts.map((text) => {
    const characters = [...printable(text.slice(start))]
    const end = characters.length > WIDTH ? `${characters.slice(0, WIDTH - 1).join('')}…` : characters.join('')
    return start > 0 ? `…${end}` : end
  })
}
