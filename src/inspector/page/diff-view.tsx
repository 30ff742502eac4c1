import type { JSX } from 'preact'
import { parseTree, treeText } from './json-tree.ts'
import { texts } from './texts.ts'

interface DiffProps {
  /** The texts before and after; null: it was, or is, not there. */
  readonly changes: readonly (readonly [variable: string, before: string | null, after: string | null])[]
  /** What the two are called. */
  readonly from?: string
  readonly to?: string
}

/** More than this are not drawn. */
const MOST = 200
const MOST_CHARACTERS = 2000

/** What differs, variable by variable. */
export function DiffView({ changes, from, to }: DiffProps): JSX.Element {
  if (changes.length === 0) return <p class="muted">{texts.unchanged}</p>
  return (
    <div class="diff">
      {changes.slice(0, MOST).map(([variable, before, after]) => (
        <div key={variable} class="diff-row">
          <span class="diff-name">{variable}</span>
          <span class="diff-values">
            <Side text={before} label={from} kind="del" />
            <span class="diff-arrow" aria-hidden="true">
              →
            </span>
            <Side text={after} label={to} kind="ins" />
          </span>
        </div>
      ))}
      {changes.length > MOST && <p class="muted">{texts.tooMany(changes.length - MOST)}</p>}
    </div>
  )
}

function Side({
  text,
  label,
  kind,
}: {
  text: string | null
  label: string | undefined
  kind: 'del' | 'ins'
}): JSX.Element {
  const Tag = kind
  return (
    <span class={`diff-side diff-${kind}`}>
      {label !== undefined && <span class="diff-label">{label}</span>}
      {text === null ? <em>{texts.notThere}</em> : <Tag>{shortened(readable(text))}</Tag>}
    </span>
  )
}

/** What is long goes over several lines. */
function readable(text: string): string {
  if (text.length < 60) return text
  try {
    return treeText(parseTree(text), '  ')
  } catch {
    return text
  }
}

function shortened(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text
}
