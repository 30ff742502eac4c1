import { type JsonNode, type Path, parseTree, pathText } from './json-tree.ts'

/** A line of the tree. */
export interface TreeRow {
  readonly path: Path
  readonly id: string
  readonly label: string
  readonly level: number
  readonly node: JsonNode
  readonly isOpen: boolean
  readonly place: number
  readonly siblings: number
}

const parsed = new Map<string, JsonNode>()
const MOST_PARSED = 5000

/** The tree of a text; the same object for the same text. */
export function treeOf(text: string): JsonNode {
  let node = parsed.get(text)
  if (node === undefined) {
    node = parseTree(text)
    if (parsed.size >= MOST_PARSED) parsed.clear()
    parsed.set(text, node)
  }
  return node
}

export function idOf(path: Path): string {
  return JSON.stringify(path)
}

/** The visible lines: with those inside open nodes; with a filter, only those that have a match inside. */
export function rowsOf(
  variables: ReadonlyMap<string, string>,
  openIds: ReadonlySet<string>,
  filter: string,
): TreeRow[] {
  const rows: TreeRow[] = []
  const wanted = filter.toLowerCase()
  const names = [...variables.keys()].filter((name) => isFound([name], treeOf(variables.get(name) as string), wanted))
  for (const [place, name] of names.entries()) {
    add(rows, [name], treeOf(variables.get(name) as string), { place, siblings: names.length, openIds, wanted })
  }
  return rows
}

interface About {
  readonly place: number
  readonly siblings: number
  readonly openIds: ReadonlySet<string>
  readonly wanted: string
}

function add(rows: TreeRow[], path: Path, node: JsonNode, { place, siblings, openIds, wanted }: About): void {
  const id = idOf(path)
  const inner = childrenOf(node)
  const isOpen = inner.length > 0 && openIds.has(id) !== (wanted !== '' && isInside(path, node, wanted))
  rows.push({ path, id, label: String(path.at(-1)), level: path.length, node, isOpen, place, siblings })
  if (!isOpen) return
  for (const [index, [step, child]] of inner.entries()) {
    add(rows, [...path, step], child, { place: index, siblings: inner.length, openIds, wanted })
  }
}

export function childrenOf(node: JsonNode): readonly (readonly [step: string | number, node: JsonNode])[] {
  if (node.kind === 'list') return node.items.map((item, index) => [index, item] as const)
  return node.kind === 'map' ? node.entries : []
}

function isFound(path: Path, node: JsonNode, wanted: string): boolean {
  if (wanted === '' || pathText(path).toLowerCase().includes(wanted)) return true
  return isInside(path, node, wanted)
}

function isInside(path: Path, node: JsonNode, wanted: string): boolean {
  if (node.kind === 'list' || node.kind === 'map') {
    return childrenOf(node).some(([step, child]) => isFound([...path, step], child, wanted))
  }
  return node.source.toLowerCase().includes(wanted)
}
