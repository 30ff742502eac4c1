import { useCallback, useSyncExternalStore } from 'react'
import type { Store } from '../index.ts'

/** The members of a store that are needed here, for any type of variables. */
type AnyStore<T extends object> = Pick<Store<Record<string, never>>, '$subscribe' | '$on' | 'ready'> & {
  $snapshot(): Readonly<T>
}

/** Until the store is ready; always the same object, so that React does not draw again. */
const NOTHING = Object.freeze({})

/**
 * All variables of a store, frozen; draws again when any of them changes.
 *
 * Maps and lists that have not changed are the same objects as before, so `memo` and dependencies work. Empty until the
 * store is ready.
 * @example const { target, pump } = useStore(pt)
 */
export function useStore<T extends object>(pt: AnyStore<T>): Readonly<Partial<T>> {
  const snapshot = () => (pt.ready() ? pt.$snapshot() : NOTHING)
  return useSyncExternalStore(useSubscribe(pt), snapshot, snapshot)
}

/**
 * A variable and a function that sets it; draws again when that variable changes, and not when others do.
 *
 * The function takes a value, or a function of the value now. It does not save: call `pt.save()`, or open the store
 * with `autosave`. Undefined until the store is ready, and where there is no such variable.
 * @throws {PersistError} from the function: ERR_PERSIST_NOT_STORABLE, _READ_ONLY, _NOT_READY
 * @example const [target, setTarget] = useVariable(pt, 'target')
 */
export function useVariable<T extends object, Name extends keyof T & string>(
  pt: AnyStore<T>,
  name: Name,
): readonly [value: T[Name] | undefined, set: (next: T[Name] | ((value: T[Name] | undefined) => T[Name])) => void] {
  const snapshot = () => {
    const all = pt.ready() ? pt.$snapshot() : undefined
    return all !== undefined && Object.hasOwn(all, name) ? all[name] : undefined
  }
  const value = useSyncExternalStore(useSubscribe(pt), snapshot, snapshot)
  const set = useCallback(
    (next: T[Name] | ((value: T[Name] | undefined) => T[Name])) => {
      const now = pt.$snapshot()
      const before = Object.hasOwn(now, name) ? now[name] : undefined
      const wanted = typeof next === 'function' ? (next as (value: T[Name] | undefined) => T[Name])(before) : next
      Object.assign(pt, { [name]: wanted })
    },
    [pt, name],
  )
  return [value, set]
}

/** The same function for the same store: React would subscribe again to another function. */
function useSubscribe<T extends object>(pt: AnyStore<T>): (listener: () => void) => () => void {
  return useCallback(
    (listener) => {
      const stops = [pt.$subscribe(listener), pt.$on('status', listener)]
      return () => {
        for (const stop of stops) stop()
      }
    },
    [pt],
  )
}
