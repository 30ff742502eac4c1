import {
  createContext,
  createElement,
  type ReactNode,
  useCallback,
  useContext,
  useMemo,
  useSyncExternalStore,
} from 'react'
import type { Status } from '../index.ts'

/** The members of a store that are needed here, for any type of variables. */
interface AnyStore<T extends object> {
  ready(): boolean
  $snapshot(): Readonly<T>
  $subscribe(listener: () => void): () => void
  $on(event: 'status', listener: (status: Status) => void): () => void
}

/** Until the store is ready; always the same object, so that React does not draw again. */
const NOTHING = Object.freeze({})

/** What the server draws of each store. */
const Drawn = createContext<ReadonlyMap<object, object>>(new Map())

/** What `ServerSnapshot` takes. */
export interface ServerSnapshotProps<T extends object> {
  store: AnyStore<T>
  /** On the server `store.$snapshot()`; in the browser the same, as it came with the page. */
  variables: Readonly<T>
  children?: ReactNode
}

/**
 * What the server draws of a store, and the browser once more when it hydrates, whatever its store has by then.
 *
 * Without it, the hooks draw on the server, and while hydrating, what they draw until the store is ready.
 * @example renderToString(<ServerSnapshot store={pt} variables={pt.$snapshot()}><App /></ServerSnapshot>)
 */
export function ServerSnapshot<T extends object>({ store, variables, children }: ServerSnapshotProps<T>): ReactNode {
  // One around another: for several stores.
  const outer = useContext(Drawn)
  const drawn = useMemo(() => new Map(outer).set(store, variables), [outer, store, variables])
  return createElement(Drawn.Provider, { value: drawn }, children)
}

/**
 * All variables of a store, frozen; draws again when any of them changes.
 *
 * Maps and lists that have not changed are the same objects as before, so `memo` and dependencies work. Empty until the
 * store is ready.
 * @example const { target, pump } = useStore(pt)
 */
export function useStore<T extends object>(pt: AnyStore<T>): Readonly<Partial<T>> {
  const drawn = useDrawn(pt)
  return useSyncExternalStore<Readonly<Partial<T>>>(
    useSubscribe(pt),
    () => (pt.ready() ? pt.$snapshot() : NOTHING),
    () => drawn,
  )
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
  const drawn = useDrawn(pt)
  const value = useSyncExternalStore(
    useSubscribe(pt),
    () => (pt.ready() ? valueIn<T, Name>(pt.$snapshot(), name) : undefined),
    () => valueIn<T, Name>(drawn, name),
  )
  const set = useCallback(
    (next: T[Name] | ((value: T[Name] | undefined) => T[Name])) => {
      const before = valueIn<T, Name>(pt.$snapshot(), name)
      const wanted = typeof next === 'function' ? (next as (value: T[Name] | undefined) => T[Name])(before) : next
      Object.assign(pt, { [name]: wanted })
    },
    [pt, name],
  )
  return [value, set]
}

function useDrawn<T extends object>(pt: AnyStore<T>): Readonly<Partial<T>> {
  return (useContext(Drawn).get(pt) as Readonly<T> | undefined) ?? NOTHING
}

function valueIn<T extends object, Name extends keyof T>(
  variables: Readonly<Partial<T>>,
  name: Name,
): T[Name] | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined
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
