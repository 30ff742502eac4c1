/** A JSON value with the source text of its numbers and strings, so that nothing is rounded. */
export type JsonNode =
  | { readonly kind: 'null' | 'boolean' | 'number' | 'text'; readonly source: string }
  | { readonly kind: 'list'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [name: string, node: JsonNode])[] }

export type Path = readonly (string | number)[]

/** What JSON.parse passes to its reviver (ECMAScript proposal JSON.parse source text access); not in every browser. */
interface Context {
  readonly source?: string
}

type Reviver = (this: unknown, key: string, value: unknown, context?: Context) => unknown

/**
 * Parses a JSON text.
 *
 * @throws {SyntaxError}
 */
export function parseTree(text: string): JsonNode {
  const reviver: Reviver = (_key, value, context) => nodeOf(value, context?.source)
  return JSON.parse(text, reviver as Parameters<typeof JSON.parse>[1]) as JsonNode
}

function nodeOf(value: unknown, source: string | undefined): JsonNode {
  if (value === null) return { kind: 'null', source: 'null' }
  if (typeof value === 'boolean') return { kind: 'boolean', source: String(value) }
  if (typeof value === 'number') return { kind: 'number', source: source ?? String(value) }
  if (typeof value === 'string') return { kind: 'text', source: source ?? JSON.stringify(value) }
  // The values inside are nodes already.
  if (Array.isArray(value)) return { kind: 'list', items: value as JsonNode[] }
  return { kind: 'map', entries: Object.entries(value as { [name: string]: JsonNode }) }
}

/** The JSON text of a tree; with an indent, over several lines. */
export function treeText(node: JsonNode, indent = '', margin = ''): string {
  const inner = margin + indent
  const [open, between, close] = indent === '' ? ['', ',', ''] : [`\n${inner}`, `,\n${inner}`, `\n${margin}`]
  if (node.kind === 'list') {
    if (node.items.length === 0) return '[]'
    return `[${open}${node.items.map((item) => treeText(item, indent, inner)).join(between)}${close}]`
  }
  if (node.kind === 'map') {
    if (node.entries.length === 0) return '{}'
    const colon = indent === '' ? ':' : ': '
    const lines = node.entries.map(([name, item]) => JSON.stringify(name) + colon + treeText(item, indent, inner))
    return `{${open}${lines.join(between)}${close}}`
  }
  return node.source
}

/** The node at a path; undefined: there is none. */
export function nodeAt(node: JsonNode | undefined, path: Path): JsonNode | undefined {
  if (node === undefined || path.length === 0) return node
  const [step, ...rest] = path
  if (node.kind === 'list' && typeof step === 'number') return nodeAt(node.items[step], rest)
  if (node.kind === 'map') return nodeAt(node.entries.find(([name]) => name === step)?.[1], rest)
  return undefined
}

/** The same tree with another node at a path; undefined removes the node. */
export function withNode(node: JsonNode, path: Path, next: JsonNode | undefined): JsonNode {
  const [step, ...rest] = path
  const inner = (item: JsonNode | undefined) =>
    rest.length === 0 || item === undefined ? next : withNode(item, rest, next)
  if (node.kind === 'list' && typeof step === 'number') {
    const items = [...node.items]
    const item = inner(items[step])
    items.splice(step, 1, ...(item === undefined ? [] : [item]))
    return { kind: 'list', items }
  }
  if (node.kind !== 'map') return node
  const entries = [...node.entries]
  const index = entries.findIndex(([name]) => name === step)
  const item = inner(entries[index]?.[1])
  const entry = item === undefined ? [] : [[String(step), item] as const]
  if (index < 0) return { kind: 'map', entries: [...entries, ...entry] }
  entries.splice(index, 1, ...entry)
  return { kind: 'map', entries }
}

/** The same tree with another name for an entry of a map, at the same place. */
export function renamed(node: JsonNode, path: Path, name: string): JsonNode {
  const parent = nodeAt(node, path.slice(0, -1))
  if (parent?.kind !== 'map') return node
  const entries = parent.entries.map(([own, item]) => [own === path.at(-1) ? name : own, item] as const)
  const next: JsonNode = { kind: 'map', entries }
  return path.length === 1 ? next : withNode(node, path.slice(0, -1), next)
}

/** A path for people: `limits.low`, `list[2]`, `map["a b"]`. */
export function pathText(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      const isPlain = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step)
      if (index === 0) return step
      return isPlain ? `.${step}` : `[${JSON.stringify(step)}]`
    })
    .join('')
}
