/** So many letters may be wrong, missing or too many. */
const MOST_EDITS = 2

/** The name that was probably meant; undefined: none is like it. */
export function similarTo(text: string, names: readonly string[]): string | undefined {
  // Of a short word nothing would be left.
  const most = Math.min(MOST_EDITS, text.length / 3)
  for (let edits = 0; edits <= most; edits++) {
    const like = names.find((name) => isWithin(edits, text.toLowerCase(), name.toLowerCase()))
    if (like !== undefined) return like
  }
  return undefined
}

/** Do so many letters make one of the other, each replaced, added or removed (Levenshtein)? */
function isWithin(edits: number, one: string, other: string): boolean {
  if (one === other) return true
  const [a, b] = [one.slice(1), other.slice(1)]
  if (one[0] === other[0]) return isWithin(edits, a, b)
  return (
    edits > 0 && [[a, other] as const, [one, b] as const, [a, b] as const].some(([x, y]) => isWithin(edits - 1, x, y))
  )
}
