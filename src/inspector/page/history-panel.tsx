import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { PoolState } from '../protocol.ts'
import { confirm } from './dialog.tsx'
import { DiffView } from './diff-view.tsx'
import { type Change, edit } from './edits.tsx'
import { parseTree, treeText } from './json-tree.ts'
import { poolHistory } from './requests.ts'
import { isReadOnly, opened } from './state.ts'
import { texts } from './texts.ts'

/** What a pool was since the inspector was started, with a way back. */
export function HistoryPanel({ pool }: { readonly pool: string }): JSX.Element {
  const states = useSignal<readonly PoolState[] | undefined>(undefined)
  const chosen = useSignal<number | undefined>(undefined)
  const failure = useSignal('')
  const shown = opened.value
  const version = shown?.name === pool && shown.state === 'there' ? shown.at : 0
  useEffect(() => {
    poolHistory(pool).then(
      (list) => {
        states.value = list
        failure.value = ''
      },
      (error: Error) => {
        failure.value = error.message
      },
    )
  }, [pool, version])
  if (failure.value !== '') {
    return (
      <p class="empty" role="alert">
        {failure.value}
      </p>
    )
  }
  const list = states.value
  if (list === undefined) return <p class="empty">{texts.loading}</p>
  if (list.length < 2) return <p class="empty">{texts.historyEmpty}</p>
  const last = list.length - 1
  // By its time: there are new ones every moment.
  const index = chosen.value === undefined ? last : list.findIndex(({ since }) => since === chosen.value)
  const state = list[index] ?? (list[last] as PoolState)
  const before = list[index - 1]
  return (
    <div class="history">
      <ol class="history-list" reversed aria-label={texts.history}>
        {list.toReversed().map((one, place) => (
          <li key={one.since}>
            <button
              type="button"
              aria-current={one === state}
              onClick={() => {
                chosen.value = place === 0 ? undefined : one.since
              }}
            >
              <time dateTime={new Date(one.since).toISOString()}>{timeText(one.since)}</time>
              <span class="muted">{place === 0 ? texts.historyNow : sizeText(one)}</span>
            </button>
          </li>
        ))}
      </ol>
      <div class="history-state">
        {before && (
          <section>
            <h2>{texts.historyDiff}</h2>
            <Difference from={before} to={state} />
          </section>
        )}
        {index >= 0 && index < last && <Back pool={pool} state={state} now={list[last] as PoolState} />}
      </div>
    </div>
  )
}

interface BackProps {
  readonly pool: string
  readonly state: PoolState
  readonly now: PoolState
}

function Back({ pool, state, now }: BackProps): JSX.Element {
  const changes = changesOf(now, state)
  return (
    <section>
      <h2>{texts.historyAgainstNow}</h2>
      <Difference from={now} to={state} />
      {!isReadOnly.value && changes !== undefined && changes.length > 0 && state.text !== null && (
        <button
          type="button"
          class="primary"
          onClick={() =>
            confirm({
              title: texts.goBackTitle,
              text: <DiffView changes={changes} />,
              go: texts.goBack,
              isDanger: false,
              onGo: () => void edit(pool, changes),
            })
          }
        >
          {texts.goBack}
        </button>
      )}
    </section>
  )
}

function Difference({ from, to }: { readonly from: PoolState; readonly to: PoolState }): JSX.Element {
  const changes = changesOf(from, to)
  if (changes === undefined) return <p class="muted">{texts.notAPool}</p>
  return <DiffView changes={changes} />
}

/** What makes one state another; undefined: one of them is no pool. */
function changesOf(from: PoolState, to: PoolState): readonly Change[] | undefined {
  const [before, after] = [variablesOf(from), variablesOf(to)]
  if (before === undefined || after === undefined) return undefined
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names]
    .map((name): Change => [name, before.get(name) ?? null, after.get(name) ?? null])
    .filter(([, one, other]) => one !== other)
}

function variablesOf({ text }: PoolState): ReadonlyMap<string, string> | undefined {
  if (text === null) return new Map()
  try {
    const tree = parseTree(text)
    return tree.kind === 'map' ? new Map(tree.entries.map(([name, node]) => [name, treeText(node)])) : undefined
  } catch {
    return undefined
  }
}

function timeText(since: number): string {
  const day = new Date(since)
  const time = day.toLocaleTimeString('en-GB')
  return day.toDateString() === new Date().toDateString() ? time : `${day.toLocaleDateString('en-GB')} ${time}`
}

function sizeText({ text }: PoolState): string {
  return text === null ? texts.historyGone : texts.bytes(new TextEncoder().encode(text).length)
}
