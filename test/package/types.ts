// Checked by tsc only: what must compile, and what must not.
import { openStore as openFile } from '../../src/file.ts'
import { createStore, type JsonValue, openStore } from '../../src/index.ts'

interface Variables {
  counter: number
  tones: number[]
  config?: { mode: 'on' | 'off' }
}

export async function declared(): Promise<void> {
  const pt = await openStore<Variables>({ name: 'types', defaults: { counter: 1, tones: [] } })
  const counter: number = pt.counter
  pt.counter += 1
  pt.tones.push(counter)
  pt.config = { mode: 'on' }
  // @ts-expect-error a variable has its type
  pt.counter = 'one'
  // @ts-expect-error there is no such variable
  pt.conter += 1
  const maybe: number | undefined = pt.find('counter')
  const isThere: boolean = pt.has('counter')
  const snapshot: Readonly<Variables> = pt.$snapshot()
  const saved: Promise<void> = pt.save()
  // @ts-expect-error a snapshot is frozen
  snapshot.counter = 2
  const ran: number = await pt.exec((store) => store.counter)
  await using file = await openFile<Variables>({ name: 'types' })
  file.counter = (maybe ?? 0) + ran + Number(isThere)
  await saved
}

/** A variable without a default may be missing in the pool of an older program. */
export async function maybeMissing(): Promise<void> {
  const pt = await openStore<Variables>({ name: 'types', defaults: { counter: 1 } })
  // @ts-expect-error tones has no default
  pt.tones.push(1)
  pt.tones = pt.find('tones', [])
  pt.tones.push(1)
  const store = createStore<Variables>({ name: 'types' })
  // @ts-expect-error counter has no default
  store.counter += 1
  const snapshot: Readonly<Partial<Variables>> = store.$snapshot()
  store.counter = snapshot.counter ?? 0
  const inferred = await openStore({ name: 'types', defaults: { counter: 1, mode: 'eco' } })
  inferred.counter += inferred.mode.length
}

/** find() and has() with a fallback have the type of the variable, never undefined. */
export async function found(): Promise<void> {
  const pt = await openStore<{ label?: string; mode?: 'a' | 'b'; nothing?: number | null }>({ name: 'types' })
  const label: string = pt.find('label', 'none')
  const has: string = pt.has('label', 'none')
  const mode: 'a' | 'b' = pt.find('mode', 'a')
  const nothing: number | null = pt.find('nothing', 1)
  const otherType: string | false = pt.find('label', false as const)
  // @ts-expect-error null is a value
  const never: number = pt.find('nothing', 1)
  // @ts-expect-error undefined is a fallback, too
  const wrong: string = pt.find('label', undefined)
  const unknown: unknown = pt.find('of somebody else')
  pt.label = [label, has, mode, nothing, otherType, never, wrong, unknown].join()
}

/** A 'change' tells the variable's type by its name. */
export function changes(): void {
  const pt = createStore<{ target: number; mode?: 'eco' | 'warm' }>({ name: 'types' })
  pt.$on('change', ({ name, value }) => {
    if (name === 'target') value?.toFixed()
    else if (value !== undefined) pt.mode = value
    // @ts-expect-error there is no such variable
    if (name === 'targets') void pt.save()
  })
  pt.$on('conflict', (event) => {
    if (event.name === 'target') pt.target = Math.max(event.local ?? 0, event.remote ?? 0)
  })
  createStore({ name: 'types' }).$on('change', ({ name, value }) => {
    const any: JsonValue | undefined = value
    pt.mode = name === 'x' && any ? 'eco' : 'warm'
  })
}

export async function undeclared(): Promise<void> {
  const pt = createStore({ name: 'types' })
  pt.counter = pt.find('counter', 0) + 1
  pt.list.push(1)
  const saved: Promise<void> = pt.save()
  const more: number = await pt.exec((store) => store.counter)
  // @ts-expect-error members keep their types
  const wrong: number = pt.save()
  await saved
  pt.counter = more + wrong
}

export async function reserved(): Promise<void> {
  // @ts-expect-error save is a member
  await openStore<{ save: number }>({ name: 'types' })
  // @ts-expect-error names that begin with $ are for members
  await openStore<{ $mine: number }>({ name: 'types' })
  // @ts-expect-error every object has a constructor
  createStore<{ constructor: string }>({ name: 'types' })
  // @ts-expect-error there is no such option
  await openStore({ name: 'types', saveEverySeconds: 5 })
  // @ts-expect-error there is no such option with complete defaults either
  await openStore({ name: 'types', defaults: { a: 1 }, saveEverySeconds: 5 })
  // @ts-expect-error a default has the type of its variable
  await openStore<{ a: number }>({ name: 'types', defaults: { a: 'x' } })
}

interface Tree {
  value: number | null
  children: readonly Tree[]
}

/** Values are JSON, however they are declared. */
export async function storable(): Promise<void> {
  const pt = await openStore<{ tree: Tree; pair?: [string, JsonValue]; any?: unknown; enumerated: Record<'a', 1>[] }>({
    name: 'types',
    defaults: { tree: { value: null, children: [] }, enumerated: [] },
  })
  pt.tree.children = [pt.tree]
  // @ts-expect-error a Date is no JSON
  await openStore<{ when: Date }>({ name: 'types' })
  // @ts-expect-error nor is one inside
  createStore<{ list?: { when: Date | null }[] }>({ name: 'types' })
  // @ts-expect-error a Map has no JSON
  createStore<{ map: Map<string, number> }>({ name: 'types' })
  // @ts-expect-error a bigint neither
  createStore<{ big: bigint }>({ name: 'types' })
  // @ts-expect-error a function neither
  createStore<{ call: () => void }>({ name: 'types' })
  // @ts-expect-error bytes neither
  createStore<{ bytes?: Uint8Array }>({ name: 'types' })
}
