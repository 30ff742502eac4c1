import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { PoolState } from '../protocol.ts'
import { poolHistory } from './requests.ts'
import { link, opened } from './state.ts'

/** The shortest time between two requests for a pool's history, which may have 4 MB, in milliseconds. */
const EVERY_MS = 1000

interface States {
  readonly states: Signal<readonly PoolState[] | undefined>
  readonly failure: Signal<string>
}

/** The states of a pool, requested again when it changes. */
export function usePoolStates(pool: string): States {
  const states = useSignal<readonly PoolState[] | undefined>(undefined)
  const failure = useSignal('')
  const work = useRef({ isBusy: false, isStale: false, isGone: false })
  const shown = opened.value
  const version = shown?.name === pool && shown.state === 'there' ? shown.at : shown?.state
  const ask = async () => {
    const { current } = work
    current.isStale = true
    if (current.isBusy) return
    current.isBusy = true
    while (current.isStale && !current.isGone) {
      current.isStale = false
      try {
        states.value = await poolHistory(pool)
        failure.value = ''
      } catch (error) {
        failure.value = error instanceof Error ? error.message : String(error)
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
    }
    current.isBusy = false
  }
  useEffect(() => void ask(), [pool, version, link.value.state])
  useEffect(
    () => () => {
      work.current.isGone = true
    },
    [],
  )
  return { states, failure }
}

/** An id of a state: two may begin in the same millisecond. */
export function idsOf(states: readonly PoolState[]): string[] {
  let count = 0
  return states.map(({ since }, index) => {
    count = states[index - 1]?.since === since ? count + 1 : 0
    return `${since}-${count}`
  })
}
