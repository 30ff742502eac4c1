// Checked by tsc only: what must compile, and what must not.
import { openStore as openFile } from '../../src/file.ts'
import { createStore, openStore } from '../../src/index.ts'

interface Variables {
  counter: number
  tones: number[]
  config?: { mode: 'on' | 'off' }
}

export async function declared(): Promise<void> {
  const pt = await openStore<Variables>({ name: 'types', defaults: { counter: 1 } })
  const counter: number = pt.counter
  pt.counter += 1
  pt.tones.push(counter)
  pt.config = { mode: 'on' }
  // @ts-expect-error a variable has its type
  pt.counter = 'one'
  // @ts-expect-error there is no such variable
  pt.conter += 1
  const found: number = pt.find('counter', 0)
  const maybe: number | undefined = pt.find('counter')
  const isThere: boolean = pt.has('counter')
  const orText: number | 'none' = pt.has('counter', 'none' as const)
  const snapshot: Readonly<Variables> = pt.$snapshot()
  const saved: Promise<void> = pt.save()
  // @ts-expect-error a snapshot is frozen
  snapshot.counter = 2
  const ran: number = await pt.exec((store) => store.counter + found)
  await using file = await openFile<Variables>({ name: 'types' })
  file.counter = (maybe ?? 0) + ran + Number(isThere) + Number(orText)
  await saved
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
}
