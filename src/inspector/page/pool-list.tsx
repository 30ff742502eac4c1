import { computed, type Signal, signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { PoolSummary } from '../protocol.ts'
import { Icon } from './icons.tsx'
import { searchPools } from './requests.ts'
import { go, route } from './route.ts'
import { SizeBar } from './size-bar.tsx'
import { link, now, opened, poolNames, pools, poolsVersion } from './state.ts'
import { texts } from './texts.ts'
import { moved, rowId, Windowed } from './windowed.tsx'

const ROW_HEIGHT = 60
/** How long after the last key the server searches variables and values, too, in milliseconds. */
const SEARCH_MS = 150

const search: Signal<string> = signal('')
/** The paths found in variables and values, by pool. */
const found: Signal<ReadonlyMap<string, readonly string[]>> = signal(new Map())
const isCut = signal(false)

/** The text to search for inside a pool that is opened now; none where only its name matches. */
export function searchIn(name: string): string {
  return (found.peek().get(name)?.length ?? 0) > 0 ? search.peek().trim() : ''
}

const order: Signal<'name' | 'change'> = signal('name')
const activeName: Signal<string | undefined> = signal(undefined)

const names: Signal<readonly string[]> = computed(() => {
  const wanted = search.value.trim().toLowerCase()
  const all = poolNames.value
  const matching =
    wanted === '' ? all : all.filter((name) => name.toLowerCase().includes(wanted) || found.value.has(name))
  if (order.value === 'name') return matching
  poolsVersion.value
  const changedAt = (name: string) => pools.get(name)?.changedAt ?? 0
  return [...matching].sort((one, other) => changedAt(other) - changedAt(one))
})

/** The list of all pools, with the search. */
export function PoolList(): JSX.Element {
  useSearch()
  poolsVersion.value
  const list = names.value
  const activeOne = activeName.value ?? opened.value?.name
  const place = activeOne === undefined ? -1 : list.indexOf(activeOne)
  const active = Math.max(0, place)
  const show = (name: string | undefined) => {
    if (name === undefined) return
    activeName.value = name
    go({ page: 'pool', name, tab: 'variables' })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const next = moved(event.key, active, list.length)
    if (next !== undefined) activeName.value = list[next]
    else if (event.key === 'Enter' || event.key === ' ') show(list[active])
    else return
    event.preventDefault()
  }
  return (
    <section class="pools" aria-label={texts.pools}>
      <div class="pools-head">
        <label class="search">
          <Icon name="search" />
          <span class="hidden">{texts.search}</span>
          <input
            id="search"
            type="search"
            placeholder={texts.search}
            value={search.value}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => {
              search.value = event.currentTarget.value
            }}
            onKeyDown={(event) => {
              if (event.key !== 'ArrowDown' && event.key !== 'Enter') return
              event.preventDefault()
              if (event.key === 'Enter') show(list[0])
              document.getElementById('pools')?.focus()
            }}
          />
        </label>
        <div class="pools-facts">
          <span role="status">{texts.count(list.length, poolNames.value.length)}</span>
          <label>
            <span class="hidden">{texts.sort}</span>
            <select
              value={order.value}
              onChange={(event) => {
                order.value = event.currentTarget.value === 'change' ? 'change' : 'name'
              }}
            >
              <option value="name">{texts.byName}</option>
              <option value="change">{texts.byChange}</option>
            </select>
          </label>
        </div>
        {isCut.value && <p class="muted">{texts.searchCut}</p>}
      </div>
      {list.length === 0 ? (
        <Nothing />
      ) : (
        <Windowed
          count={list.length}
          rowHeight={ROW_HEIGHT}
          active={active}
          activeKey={place < 0 ? undefined : activeOne}
          attributes={{
            id: 'pools',
            class: 'pools-list',
            role: 'listbox',
            tabIndex: 0,
            'aria-label': texts.pools,
            onKeyDown,
          }}
          row={(index) => {
            const name = list[index] as string
            const pool = pools.get(name)
            if (pool === undefined) return <div key={name} class="pool" />
            return (
              <PoolRow
                key={name}
                pool={pool}
                paths={search.value === '' ? [] : (found.value.get(name) ?? [])}
                place={[index + 1, list.length]}
                isActive={index === active}
                onOpen={() => show(name)}
              />
            )
          }}
        />
      )}
    </section>
  )
}

function useSearch(): void {
  const wanted = search.value.trim()
  useEffect(() => {
    if (wanted === '') {
      found.value = new Map()
      isCut.value = false
      return undefined
    }
    const aborting = new AbortController()
    const timer = setTimeout(() => {
      searchPools(wanted, aborting.signal).then(
        (result) => {
          found.value = new Map(result.matches)
          isCut.value = result.isCut
        },
        () => {},
      )
    }, SEARCH_MS)
    return () => {
      clearTimeout(timer)
      aborting.abort()
    }
  }, [wanted])
}

function Nothing(): JSX.Element {
  if (link.value.state === 'loading') return <p class="empty">{texts.loading}</p>
  if (search.value !== '') return <p class="empty">{texts.noMatch}</p>
  return (
    <div class="empty">
      <p>
        <strong>{texts.noPools}</strong>
      </p>
      <p>{texts.noPoolsMore}</p>
    </div>
  )
}

interface RowProps {
  readonly pool: PoolSummary
  /** The paths that match the search. */
  readonly paths: readonly string[]
  readonly place: readonly [number, number]
  readonly isActive: boolean
  readonly onOpen: () => void
}

function PoolRow({ pool, paths, place, isActive, onOpen }: RowProps): JSX.Element {
  const { name, changedAt } = pool
  const isOpen = route.value.page === 'pool' && route.value.name === name
  const facts = [
    ...(pool.owner === 'none' ? [] : [texts.ownerShort[pool.owner]]),
    ...(pool.owner === 'none' && pool.isOnline === false ? [texts.offlinePool] : []),
    texts.variables(pool.variables),
    ...(changedAt === undefined ? [] : [texts.ago(now.value - changedAt)]),
  ]
  return (
    <div
      id={rowId('pools', place[0] - 1)}
      role="option"
      tabIndex={-1}
      aria-selected={isOpen}
      aria-posinset={place[0]}
      aria-setsize={place[1]}
      class={`pool${isOpen ? ' open' : ''}${isActive ? ' active' : ''}`}
      onClick={onOpen}
      onKeyDown={() => {}}
    >
      <Presence pool={pool} />
      <span class="pool-name">{name}</span>
      <span class={`pool-facts${pool.variables === null ? ' failed-text' : ''}`}>
        {paths.length > 0 ? paths.join(', ') : facts.join(' · ')}
      </span>
      <span class="pool-size">
        <SizeBar pool={pool} />
      </span>
    </div>
  )
}

/** Whether its owner is online, as a dot and as a text. */
export function Presence({ pool }: { readonly pool: PoolSummary }): JSX.Element {
  const { owner, isOnline } = pool
  const state = owner !== 'none' ? 'online' : isOnline === false ? 'offline' : 'unowned'
  const text = state === 'online' ? texts.online : state === 'offline' ? texts.offlinePool : texts.unowned
  const kind = owner === 'none' ? '' : `, ${texts.owner[owner]}`
  return (
    <span class={`presence presence-${state} presence-${owner}`} title={text + kind}>
      <span class="hidden">{text + kind}</span>
    </span>
  )
}
