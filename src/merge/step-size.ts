/** What a text takes beside itself, in characters. */
const ENTRY_CHARACTERS = 50

type Texts = ReadonlyMap<string, string | undefined>

/** What is remembered of a step in a pool's history, in characters. */
export function sizeOf(texts: Texts): number {
  let size = ENTRY_CHARACTERS
  for (const [name, text = ''] of texts) size += name.length + text.length + ENTRY_CHARACTERS
  return size
}

export function sumOf(all: readonly Texts[]): number {
  return all.reduce((sum, texts) => sum + sizeOf(texts), 0)
}
