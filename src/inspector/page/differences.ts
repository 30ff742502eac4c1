import { type JsonNode, type Path, parseTree, pathText, treeText } from './json-tree.ts'

/** A difference: its path, and the texts before and after; null: there was, or is, no value. */
export type Difference = readonly [path: string, before: string | null, after: string | null]

/** The differences inside a variable, as deep as they are: of a long list, only the number that has changed. */
export function differencesOf(variable: string, before: string | null, after: string | null): Difference[] {
  if (before === null || after === null) return [[variable, before, after]]
  try {
    const found: Difference[] = []
    compare([variable], parseTree(before), parseTree(after), found)
    // Only the text differs, for example the order of the entries.
    return found.length > 0 ? found : [[variable, before, after]]
  } catch {
    return [[variable, before, after]]
  }
}

function compare(path: Path, before: JsonNode | undefined, after: JsonNode | undefined, found: Difference[]): void {
  if (before?.kind === 'map' && after?.kind === 'map') {
    const [one, other] = [new Map(before.entries), new Map(after.entries)]
    for (const name of new Set([...one.keys(), ...other.keys()])) {
      compare([...path, name], one.get(name), other.get(name), found)
    }
    return
  }
  if (before?.kind === 'list' && after?.kind === 'list') {
    compareItems(path, before.items, after.items, found)
    return
  }
  const [one, other] = [textOf(before), textOf(after)]
  if (one !== other) found.push([pathText(path), one, other])
}

/** The differences of two lists, between an equal beginning and an equal end: an item inserted at the top is one. */
function compareItems(path: Path, before: readonly JsonNode[], after: readonly JsonNode[], found: Difference[]): void {
  const [one, other] = [before.map(textOf), after.map(textOf)]
  const shorter = Math.min(one.length, other.length)
  let start = 0
  while (start < shorter && one[start] === other[start]) start++
  let end = 0
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end++
  const most = Math.max(one.length, other.length) - end
  for (let index = start; index < most; index++) {
    const item = (list: readonly JsonNode[]) => (index < list.length - end ? list[index] : undefined)
    compare([...path, index], item(before), item(after), found)
  }
}

function textOf(node: JsonNode): string
function textOf(node: JsonNode | undefined): string | null
function textOf(node: JsonNode | undefined): string | null {
  return node === undefined ? null : treeText(node)
}

/** The part of a long text that can be shown, from shortly before the first difference. */
export function excerpt(text: string, other: string | null, most: number): string {
  if (text.length <= most) return text
  let same = 0
  while (other !== null && same < text.length && text[same] === other[same]) same++
  const start = other === null ? 0 : Math.max(0, Math.min(same - 40, text.length - most))
  const end = start + most
  return `${start > 0 ? '…' : ''}${text.slice(start, end)}${end < text.length ? '…' : ''}`
}
