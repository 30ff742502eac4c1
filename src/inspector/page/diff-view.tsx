import type { JSX } from 'preact'
import { differencesOf, excerpt } from './differences.ts'
import { parseTree, treeText } from './json-tree.ts'
import { texts } from './texts.ts'

interface DiffProps {
  /** The texts before and after; null: there was, or is, no variable. */
  readonly changes: readonly (readonly [variable: string, before: string | null, after: string | null])[]
  /** The headings of the two sides. */
  readonly from?: string
  readonly to?: string
}

/** How many differences are drawn at most. */
const MOST = 200
const MOST_CHARACTERS = 600

/** The differences of each variable, and inside it. */
export function DiffView({ changes, from, to }: DiffProps): JSX.Element {
  if (changes.length === 0) return <p class="muted">{texts.unchanged}</p>
  const all = changes.flatMap(([variable, before, after]) => differencesOf(variable, before, after))
  return (
    <div class="diff">
      {all.slice(0, MOST).map(([path, before, after]) => (
        <div key={path} class="diff-row">
          <span class="diff-name">{path}</span>
          <span class="diff-values">
            <Side text={before} other={after} label={from} kind="del" />
            <span class="diff-arrow" aria-hidden="true">
              →
            </span>
            <Side text={after} other={before} label={to} kind="ins" />
          </span>
        </div>
      ))}
      {all.length > MOST && <p class="diff-more muted">{texts.diffMore(all.length - MOST)}</p>}
    </div>
  )
}

interface SideProps {
  readonly text: string | null
  readonly other: string | null
  readonly label: string | undefined
  readonly kind: 'del' | 'ins'
}

function Side({ text, other, label, kind: Tag }: SideProps): JSX.Element {
  return (
    <span class={`diff-side diff-${Tag}`}>
      <span class={label === undefined ? 'hidden' : 'diff-label'}>{label ?? texts.diffSide[Tag]} </span>
      {text === null ? (
        <em>{texts.notThere}</em>
      ) : (
        <Tag>{excerpt(readable(text), other && readable(other), MOST_CHARACTERS)}</Tag>
      )}
    </span>
  )
}

/** A long text takes several lines. */
function readable(text: string): string {
  if (text.length < 60) return text
  try {
    return treeText(parseTree(text), '  ')
  } catch {
    return text
  }
}
