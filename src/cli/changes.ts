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
    return coloured(io, 'yellow', `~ ${shown}  ${shortJson(before)} → ${shortJson(after)}`)
  })
}
