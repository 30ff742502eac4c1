import { sameJson } from '../format/json.ts'
import { parseJson } from '../format/parse-json.ts'

/** The JSON text of a variable; undefined: there is none. */
type Text = string | undefined

const NONE: ReadonlySet<Text> = new Set()

/** By value: writers print JSON in their own ways. */
export function isSame(one: Text, other: Text): boolean {
  if (one === other) return true
  return one !== undefined && other !== undefined && sameJson(parseJson(one), parseJson(other))
}

/** What variables were at any time before, or may have been. */
export class OlderTexts {
  readonly #all: readonly ReadonlyMap<string, Text>[]
  /** Made when it is asked for: mostly nobody does. */
  #byName: Map<string, Set<Text>> | undefined

  constructor(all: readonly ReadonlyMap<string, Text>[]) {
    this.#all = all
  }

  has(variable: string, text: Text): boolean {
    const texts = this.#textsOf(variable)
    return texts.has(text) || [...texts].some((one) => isSame(one, text))
  }

  /** Was a variable ever something else? */
  hasOther(variable: string, text: Text): boolean {
    return [...this.#textsOf(variable)].some((one) => !isSame(one, text))
  }

  #textsOf(variable: string): ReadonlySet<Text> {
    this.#byName ??= textsByName(this.#all)
    return this.#byName.get(variable) ?? NONE
  }
}

function textsByName(all: readonly ReadonlyMap<string, Text>[]): Map<string, Set<Text>> {
  const byName = new Map<string, Set<Text>>()
  for (const texts of all) {
    for (const [name, text] of texts) {
      const known = byName.get(name)
      if (known === undefined) byName.set(name, new Set([text]))
      else known.add(text)
    }
  }
  return byName
}
