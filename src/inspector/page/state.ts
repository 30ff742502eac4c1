import { computed, type Signal, signal } from '@preact/signals'
import type { About, PoolContent, PoolSummary } from '../protocol.ts'

/** The link from the page to the server, and from the server to the broker. */
export type Link =
  | { readonly state: 'loading' | 'online' | 'reconnecting' | 'unauthorized' }
  | { readonly state: 'offline'; readonly message: string }

export const link: Signal<Link> = signal<Link>({ state: 'loading' })
export const about: Signal<About | undefined> = signal<About | undefined>(undefined)
/** Why some pools may be missing. */
export const incomplete: Signal<string | undefined> = signal<string | undefined>(undefined)

/** All pools, by name. Changed in place: `poolsVersion` goes up with the changes, once for each frame. */
export const pools: Map<string, PoolSummary> = new Map()
export const poolsVersion: Signal<number> = signal(0)
/** Goes up when pools come or go. */
export const namesVersion: Signal<number> = signal(0)

export const poolNames: Signal<readonly string[]> = computed(() => {
  namesVersion.value
  return [...pools.keys()].sort(compareNames)
})

const collator = new Intl.Collator('en', { numeric: true })
export const compareNames: (one: string, other: string) => number = collator.compare

/** The pool that is shown. */
export type Opened =
  | { readonly state: 'loading'; readonly name: string }
  | { readonly state: 'gone'; readonly name: string }
  | { readonly state: 'failed'; readonly name: string; readonly message: string }
  | {
      readonly state: 'there'
      readonly name: string
      readonly at: number
      /** The JSON text of each variable, in the order of the pool; undefined: it is no pool. */
      readonly variables: ReadonlyMap<string, string> | undefined
      readonly invalid: PoolContent['invalid']
      /** When each row has changed, by its id, in milliseconds of performance.now(). */
      readonly changedAt: ReadonlyMap<string, number>
    }

export const opened: Signal<Opened | undefined> = signal<Opened | undefined>(undefined)

/** The time of day, once a second: for `3 s ago`. */
export const now: Signal<number> = signal(Date.now())
setInterval(() => {
  if (!document.hidden) now.value = Date.now()
}, 1000)

export const isReadOnly: Signal<boolean> = computed(() => about.value?.isReadOnly === true)

/** How large a pool may be, in bytes; a device that owns it cannot load a larger one. */
export function limitOf({ owner }: PoolSummary): number {
  const { deviceLimitBytes = 1, limitBytes = 1 } = about.value ?? {}
  return owner === 'device' ? deviceLimitBytes : limitBytes
}
