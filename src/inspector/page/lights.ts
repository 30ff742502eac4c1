import type { JsonNode, Path } from './json-tree.ts'
import { childrenOf, idOf, treeOf } from './tree-rows.ts'

/** Records when the value at each path of a variable has changed, so that its row can light up for a moment. */
export function light(lights: Map<string, number>, variable: string, before: string | undefined, after: string): void {
  if (before !== after) walk(lights, [variable], before === undefined ? undefined : treeOf(before), treeOf(after))
}

/** Has something changed? */
function walk(lights: Map<string, number>, path: Path, before: JsonNode | undefined, after: JsonNode): boolean {
  const inner = childrenOf(after)
  const known = new Map(before === undefined ? [] : childrenOf(before))
  let isChanged = before?.kind !== after.kind || known.size !== inner.length
  if ('source' in after) isChanged = before === undefined || !('source' in before) || before.source !== after.source
  for (const [step, node] of inner) {
    if (walk(lights, [...path, step], known.get(step), node)) isChanged = true
  }
  if (isChanged) lights.set(idOf(path), performance.now())
  return isChanged
}
