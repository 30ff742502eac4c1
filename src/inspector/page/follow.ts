import { batch } from '@preact/signals'
import type { LiveEvent, PoolContent, PoolSummary, VariableText } from '../protocol.ts'
import { light } from './lights.ts'
import { poolContent, RequestFailed } from './requests.ts'
import { followAgain, record } from './samples.ts'
import { about, incomplete, type Link, link, namesVersion, opened, pools, poolsVersion } from './state.ts'
import { texts } from './texts.ts'

/** How often a hidden page, which has no animation frames, is updated, in milliseconds. */
const HIDDEN_MS = 500
const RETRY_MS = 2000
/** The pool whose content is being requested, and the number of the request: only the latest counts. */
let asked: string | undefined
let asks = 0
/** Changes of that pool since the request: the response may be older. */
const early: [at: number, changes: readonly VariableText[] | null][] = []

let waiting: [number: number, event: LiveEvent][] = []
let isScheduled = false

/** Follows the server for as long as the page is open; the browser connects again by itself. */
export function follow(): void {
  const source = new EventSource('api/live')
  /** The link before it was lost: after reconnecting, the server does not repeat events that the page has. */
  let before: Link = { state: 'loading' }
  source.onopen = () => {
    if (link.value.state === 'reconnecting') link.value = before
  }
  source.onmessage = ({ data, lastEventId }: MessageEvent<string>) => {
    waiting.push([Number(lastEventId.split('-')[1]), JSON.parse(data) as LiveEvent])
    schedule()
  }
  source.onerror = () => {
    if (link.value.state !== 'reconnecting') before = link.value
    link.value = { state: 'reconnecting' }
    if (source.readyState !== EventSource.CLOSED) return
    source.close()
    // The server refused; an EventSource does not tell the status, so another request asks for it.
    fetch('api/pools/-').then(
      ({ status }) => {
        if (status === 401) link.value = { state: 'unauthorized' }
        else setTimeout(follow, RETRY_MS)
      },
      () => setTimeout(follow, RETRY_MS),
    )
  }
}

/** Draws once for each frame of the screen, however many changes come. */
function schedule(): void {
  if (isScheduled) return
  isScheduled = true
  if (document.hidden) setTimeout(flush, HIDDEN_MS)
  else requestAnimationFrame(flush)
}

function flush(): void {
  isScheduled = false
  const events = waiting
  waiting = []
  batch(() => {
    for (const [number, event] of events) take(number, event)
    poolsVersion.value++
  })
}

function take(number: number, event: LiveEvent): void {
  switch (event.type) {
    case 'snapshot':
      about.value = event.about
      incomplete.value = event.incomplete
      link.value = event.offline === undefined ? { state: 'online' } : { state: 'offline', message: event.offline }
      pools.clear()
      for (const pool of event.pools) pools.set(pool.name, pool)
      namesVersion.value++
      if (opened.value !== undefined) void openPool(opened.value.name)
      followAgain()
      break
    case 'pool':
      if (!pools.has(event.pool.name)) namesVersion.value++
      pools.set(event.pool.name, event.pool)
      if (event.changes !== undefined) changed(number, event.pool, event.changes)
      break
    case 'deleted':
      pools.delete(event.name)
      namesVersion.value++
      if (opened.value?.name === event.name) opened.value = { state: 'gone', name: event.name }
      break
    case 'offline':
      link.value = { state: 'offline', message: event.message }
      break
    case 'online':
      link.value = { state: 'online' }
      incomplete.value = event.incomplete
      break
  }
}

function changed(
  number: number,
  { name, changedAt: time = Date.now() }: PoolSummary,
  changes: readonly VariableText[] | null,
): void {
  for (const [variable, text] of changes ?? []) if (text !== null) record(name, variable, text, time)
  const shown = opened.value
  if (shown?.name !== name) return
  if (asked === name) early.push([number, changes])
  else if (shown.state !== 'there' || changes === null || shown.variables === undefined) void openPool(name)
  else if (number > shown.at) apply(number, changes)
}

function apply(at: number, changes: readonly VariableText[]): void {
  const shown = opened.value
  if (shown?.state !== 'there' || shown.variables === undefined) return
  const variables = new Map(shown.variables)
  const changedAt = new Map(shown.changedAt)
  for (const [variable, text] of changes) {
    const before = variables.get(variable)
    if (text === null) variables.delete(variable)
    else {
      variables.set(variable, text)
      light(changedAt, variable, before, text)
    }
  }
  opened.value = { ...shown, at, variables, changedAt }
}

/** Shows a pool; resolves when its content is there, or the request has failed. */
export async function openPool(name: string): Promise<void> {
  const shown = opened.value
  const number = ++asks
  early.length = 0
  asked = name
  // The old content stays until the new one comes.
  if (shown?.name !== name || shown.state !== 'there') opened.value = { state: 'loading', name }
  try {
    const content = await poolContent(name)
    if (number === asks) show(name, content)
  } catch (error) {
    if (number !== asks) return
    asked = undefined
    const isGone = error instanceof RequestFailed && error.code === 'NOT_FOUND'
    opened.value = isGone
      ? { state: 'gone', name }
      : { state: 'failed', name, message: error instanceof Error ? error.message : texts.unreachable }
  }
}

function show(name: string, { at, pool, variables, invalid }: PoolContent): void {
  const shown = opened.value
  const before = shown?.state === 'there' && shown.name === name ? shown : undefined
  const map = variables === null ? undefined : new Map(variables.map(([variable, text]) => [variable, text ?? 'null']))
  const changedAt = new Map(before?.changedAt)
  if (before?.variables !== undefined) {
    for (const [variable, text] of map ?? []) light(changedAt, variable, before.variables.get(variable), text)
  }
  asked = undefined
  batch(() => {
    pools.set(name, pool)
    poolsVersion.value++
    opened.value = { state: 'there', name, at, variables: map, invalid, changedAt }
    for (const [number, changes] of early.splice(0)) {
      if (number <= at) continue
      if (changes === null) void openPool(name)
      else apply(number, changes)
    }
  })
}
