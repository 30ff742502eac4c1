/** What a text takes beside itself, in characters. */
const ENTRY_CHARACTERS = 50

/** What is remembered of a step in a pool's history, in characters. */
export function sizeOf(texts: ReadonlyMap<string, string | undefined>): number {
  let size = ENTRY_CHARACTERS
  for (const [name, text = ''] of texts) size += name.length + text.length + ENTRY_CHARACTERS
  return size
}
