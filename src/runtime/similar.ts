/** So many letters may be wrong, missing or too many. */
const MOST_EDITS = 2

/** The name that was probably meant; undefined: none is like it. */
export function similarTo(text: string, names: readonly string[]): string | undefined {
  const best = names
    .map((name) => ({ name, edits: editsBetween(text.toLowerCase(), name.toLowerCase()) }))
    .reduce((one, other) => (other.edits < one.edits ? other : one), { name: '', edits: MOST_EDITS + 1 })
  // Of a short word nothing would be left.
  return best.edits <= Math.min(MOST_EDITS, text.length / 3) ? best.name : undefined
}

/** How many letters have to be replaced, added or removed (Levenshtein). */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1]
    for (let column = 1; column <= other.length; column++) {
      const replaced = (row[column - 1] as number) + (letter === other[column - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[column] as number) + 1, (next[column - 1] as number) + 1))
    }
    row = next
  }
  return row[other.length] as number
}
