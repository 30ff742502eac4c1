import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { PoolState } from '../protocol.ts'
import { confirm } from './dialog.tsx'
import { DiffView } from './diff-view.tsx'
import { askForce, type Change, doesNotListen, edit, outcome } from './edits.tsx'
import { parseTree, treeText } from './json-tree.ts'
import { idsOf, usePoolStates } from './pool-states.ts'
import { RequestFailed, replacePool } from './requests.ts'
import { isReadOnly } from './state.ts'
import { texts } from './texts.ts'
import { tell } from './toasts.tsx'
import { moved } from './windowed.tsx'

/** The states of a pool since the inspector was started; each can be brought back. */
export function HistoryPanel({ pool }: { readonly pool: string }): JSX.Element {
  const { states, failure } = usePoolStates(pool)
  // By id, not by index: new states come at any moment.
  const chosen = useSignal<string | undefined>(undefined)
  const list = states.value
  if (list === undefined) {
    return failure.value === '' ? <p class="empty">{texts.loading}</p> : <Failed text={failure.value} />
  }
  if (list.length < 2) return <p class="empty">{texts.historyEmpty}</p>
  const ids = idsOf(list)
  const last = list.length - 1
  const index = chosen.value === undefined ? last : ids.indexOf(chosen.value)
  const choose = (place: number) => {
    chosen.value = place === last ? undefined : ids[place]
  }
  return (
    <div class="history">
      <StateList list={list} ids={ids} index={index} choose={choose} />
      <div class="history-state">
        {failure.value !== '' && <Failed text={failure.value} />}
        {index < 0 ? <p class="muted">{texts.historyDropped}</p> : <State pool={pool} list={list} index={index} />}
      </div>
    </div>
  )
}

function Failed({ text }: { readonly text: string }): JSX.Element {
  return (
    <p class="empty" role="alert">
      {text}
    </p>
  )
}

interface ListProps {
  readonly list: readonly PoolState[]
  readonly ids: readonly string[]
  readonly index: number
  readonly choose: (index: number) => void
}

/** A single stop for the Tab key; the arrow keys move inside. */
function StateList({ list, ids, index, choose }: ListProps): JSX.Element {
  const element = useRef<HTMLOListElement>(null)
  const last = list.length - 1
  const current = index < 0 ? last : index
  const onKeyDown = (event: KeyboardEvent) => {
    const next = moved(event.key, last - current, list.length)
    if (next === undefined) return
    event.preventDefault()
    choose(last - next)
    element.current?.querySelectorAll('button')[next]?.focus()
  }
  return (
    <ol ref={element} class="history-list" reversed aria-label={texts.history} onKeyDown={onKeyDown}>
      {list
        .map((state, place) => (
          <li key={ids[place]}>
            <button
              type="button"
              tabIndex={place === current ? 0 : -1}
              aria-current={place === index}
              onClick={() => choose(place)}
            >
              <time dateTime={new Date(state.since).toISOString()}>{timeText(state.since)}</time>
              <span class="muted">{place === last ? texts.historyNow : sizeText(state)}</span>
            </button>
          </li>
        ))
        .reverse()}
    </ol>
  )
}

interface StateProps {
  readonly pool: string
  readonly list: readonly PoolState[]
  readonly index: number
}

function State({ pool, list, index }: StateProps): JSX.Element {
  const state = list[index] as PoolState
  const now = list.at(-1) as PoolState
  const before = list[index - 1]
  return (
    <>
      {state !== now && (
        <section>
          <div class="history-head">
            <h2>{texts.historyAgainstNow}</h2>
            {!isReadOnly.value && <Back pool={pool} state={state} now={now} />}
          </div>
          <Difference from={now} to={state} />
        </section>
      )}
      <section>
        <h2>{before === undefined ? texts.historyFirst : texts.historyDiff}</h2>
        <Difference from={before ?? { since: 0, text: null }} to={state} />
      </section>
    </>
  )
}

interface BackProps {
  readonly pool: string
  readonly state: PoolState
  readonly now: PoolState
}

function Back({ pool, state, now }: BackProps): JSX.Element | null {
  const changes = changesOf(now, state)
  const { text } = state
  // A state that is no pool cannot be brought back; and for deleting there is another button.
  if (text === null || variablesOf(state) === undefined) return null
  // The button stays after use: else the focus would be lost.
  const isSame = changes?.length === 0
  const ask = () =>
    confirm({
      title: texts.goBackTitle,
      text: changes === undefined ? <p>{texts.goBackWhole}</p> : <DiffView changes={changes} />,
      go: texts.goBack,
      isDanger: changes === undefined,
      isWide: true,
      onGo: () => void (changes === undefined ? replace(pool, text) : edit(pool, changes)),
    })
  return (
    <button type="button" class="primary" aria-disabled={isSame} onClick={() => isSame || ask()}>
      {texts.goBack}
    </button>
  )
}

/** For a pool that is no pool now, and so has no variables to change. */
async function replace(pool: string, text: string, force = false): Promise<void> {
  try {
    const done = await replacePool(pool, { text, force })
    tell('done', texts.wentBack(pool), outcome(pool, done))
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error
    if (!force && doesNotListen(error)) askForce(() => void replace(pool, text, true))
    else tell('failed', pool, texts.notSaved(error.message))
  }
}

function Difference({ from, to }: { readonly from: PoolState; readonly to: PoolState }): JSX.Element {
  const changes = changesOf(from, to)
  if (changes === undefined) return <p class="muted">{texts.notAPool(variablesOf(to) !== undefined)}</p>
  return <DiffView changes={changes} />
}

/** The differences of two states; undefined: one of them is no pool. */
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
  const time = day.toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 2,
  })
  return day.toDateString() === new Date().toDateString() ? time : `${day.toLocaleDateString('en-GB')} ${time}`
}

function sizeText({ text }: PoolState): string {
  return text === null ? texts.historyGone : texts.bytes(new TextEncoder().encode(text).length)
}
