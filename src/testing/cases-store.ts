import { encodeText } from '../format/bytes.ts'
import { openersFor } from '../open/open-store.ts'
import { type Deferred, deferred } from '../runtime/promises.ts'
import type { Store } from '../store/members.ts'
import { checkEqual } from './assertions.ts'
import type { Bench } from './bench.ts'
import type { Case } from './conformance-case.ts'
import type { ConformanceOptions } from './conformance-options.ts'

interface Garage {
  counter?: number
  tones?: number[]
  theirs?: string
}

/** A store over the backend, which is what backends are for. */
export function storeCases(notices: ConformanceOptions['notices']): readonly Case[] {
  const cases: Case[] = [{ name: 'a store that is opened again has the variables that it saved', run: keepsVariables }]
  if (notices === 'never') return cases
  return [...cases, { name: 'a store takes in what somebody else wrote', run: (bench) => takesIn(bench, notices) }]
}

async function keepsVariables(bench: Bench): Promise<void> {
  const pt = await openStore(bench)
  pt.counter = 1
  pt.tones = [600, 700]
  await bench.inTime(pt.save(), 'save() of a store')
  pt.tones.push(800)
  await bench.inTime(pt.$close(), '$close() of a store')
  const again = await openStore(bench)
  checkEqual(JSON.stringify(again), '{"counter":1,"tones":[600,700,800]}', 'the variables of a store opened again')
  again.counter = again.find('counter', 0) + 1
  await bench.inTime(again.$close(), '$close() of a store')
  const once = await openStore(bench)
  checkEqual(once.counter, 2, 'a variable of a store opened a third time')
  await bench.inTime(once.$close(), '$close() of a store')
}

async function takesIn(bench: Bench, notices: ConformanceOptions['notices']): Promise<void> {
  const pt = await openStore(bench)
  pt.counter = 1
  await bench.inTime(pt.save(), 'save() of a store')
  const arrived: Deferred<void> = deferred()
  pt.$on('change', ({ name }) => name === 'theirs' && arrived.resolve())
  await bench.place.writeElsewhere(encodeText('{"counter":1,"theirs":"new"}'))
  if (notices === 'at once') await bench.inTime(arrived.promise, "a store's event 'change'")
  pt.counter = 2
  await bench.inTime(pt.save(), 'save() of a store')
  await bench.inTime(pt.$close(), '$close() of a store')
  const again = await openStore(bench)
  checkEqual(again.counter, 2, "the store's own variable after somebody else wrote")
  checkEqual(again.find('theirs'), 'new', 'the variable that somebody else wrote')
  await bench.inTime(again.$close(), '$close() of a store')
}

const openers = openersFor(() => {
  throw new Error('These stores are given their backend.')
})

async function openStore(bench: Bench): Promise<Store<Garage>> {
  const opening: Promise<Store<Garage>> = openers.openStore<Garage>({
    backend: bench.backend(),
    openTimeoutMs: bench.limitMs,
    saveTimeoutMs: bench.limitMs,
    saveOnExit: false,
  })
  const pt = await bench.inTime(opening, 'openStore() over the backend')
  // The promise of save() rejects, too; without a listener, Node would print the error as a warning.
  pt.$on('error', () => {})
  return pt
}
