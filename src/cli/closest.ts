/** The word that is most like another one, if any is like it at all. */
export function closest(wrong: string, words: readonly string[]): string | undefined {
  const ranked = words
    .map((word) => ({ word, steps: word.startsWith(wrong) && wrong.length > 1 ? 0 : distance(wrong, word) }))
    .sort((one, other) => one.steps - other.steps)
  const [best] = ranked
  return best !== undefined && best.steps <= Math.max(wrong.length > 2 ? 2 : 1, wrong.length / 3)
    ? best.word
    : undefined
}

/** How many letters must be added, left out or replaced (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[other.length] ?? 0
}
