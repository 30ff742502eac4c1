import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { openPool } from './follow.ts'
import { HistoryPanel } from './history-panel.tsx'
import { Icon } from './icons.tsx'
import { PoolActions } from './pool-actions.tsx'
import { Presence, searchIn } from './pool-list.tsx'
import { addressOf, type Route } from './route.ts'
import { followNumbers } from './samples.ts'
import { SizeBar } from './size-bar.tsx'
import { isReadOnly, now, opened, pools, poolsVersion } from './state.ts'
import { texts } from './texts.ts'
import { addVariable, VariableTree } from './variable-tree.tsx'

type ViewProps = Omit<Extract<Route, { page: 'pool' }>, 'page'>

/** One pool: its variables, and its history. */
export function PoolView({ name, tab }: ViewProps): JSX.Element {
  useEffect(() => {
    void openPool(name)
    void followNumbers(name)
  }, [name])
  return (
    <article class="view" aria-labelledby="view-title">
      <Head name={name} />
      <nav class="tabs" aria-label={name}>
        <Tab name={name} tab="variables" current={tab}>
          {texts.variablesTab}
        </Tab>
        <Tab name={name} tab="history" current={tab}>
          {texts.history}
        </Tab>
      </nav>
      {tab === 'history' ? <HistoryPanel pool={name} /> : <Variables name={name} />}
    </article>
  )
}

interface TabProps {
  readonly name: string
  readonly tab: ViewProps['tab']
  readonly current: ViewProps['tab']
  readonly children: ComponentChildren
}

function Tab({ name, tab, current, children }: TabProps): JSX.Element {
  return (
    <a href={addressOf({ page: 'pool', name, tab })} aria-current={tab === current ? 'page' : undefined}>
      {children}
    </a>
  )
}

function Head({ name }: { readonly name: string }): JSX.Element {
  poolsVersion.value
  const pool = pools.get(name)
  const when = pool?.changedAt === undefined ? texts.never : texts.changed(texts.ago(now.value - pool.changedAt))
  return (
    <header class="view-head">
      <a class="back quiet" href="#/" aria-label={texts.back}>
        <Icon name="back" />
      </a>
      <div class="view-title">
        <h1 id="view-title">
          {pool && <Presence pool={pool} />}
          {name}
        </h1>
        <p class="view-facts">
          {pool ? (
            <>
              <span>{texts.variables(pool.variables)}</span>
              <SizeBar pool={pool} isLong />
              <span>{when}</span>
            </>
          ) : (
            <span>{opened.value?.state === 'loading' ? texts.loading : ''}</span>
          )}
        </p>
        <p class={`view-owner view-owner-${pool?.owner ?? 'none'}`}>{pool ? texts.ownerLine[pool.owner] : ''}</p>
      </div>
      {pool && <PoolActions pool={pool} />}
    </header>
  )
}

function Variables({ name }: { readonly name: string }): JSX.Element {
  const filter = useSignal(searchIn(name))
  const shown = opened.value
  if (shown?.name !== name || shown.state === 'loading') return <p class="empty">{texts.loading}</p>
  if (shown.state === 'gone') return <p class="empty">{texts.gone(name)}</p>
  if (shown.state === 'failed') {
    return (
      <p class="empty" role="alert">
        {shown.message}
      </p>
    )
  }
  const { variables, invalid } = shown
  if (variables === undefined) {
    return (
      <div class="invalid">
        <p role="alert">
          <strong>{texts.invalid}.</strong> {invalid?.reason}
        </p>
        <pre>{invalid?.text}</pre>
      </div>
    )
  }
  return (
    <>
      <div class="tree-head">
        <label class="search">
          <Icon name="search" />
          <span class="hidden">{texts.filter}</span>
          <input
            type="search"
            placeholder={texts.filter}
            value={filter.value}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => {
              filter.value = event.currentTarget.value
            }}
          />
        </label>
        {!isReadOnly.value && (
          <button type="button" onClick={() => addVariable(name, variables)}>
            <Icon name="add" />
            {texts.add}
          </button>
        )}
      </div>
      <VariableTree pool={{ ...shown, variables }} filter={filter.value.trim()} />
    </>
  )
}
