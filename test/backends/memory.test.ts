import { expect, test } from 'vitest'
import { memoryBackend, memoryPlace } from '../../src/backends/memory.ts'
import type { Backend } from '../../src/contracts/backend.ts'
import { openStore } from '../../src/index.ts'
import { bytesOf, textOf, withoutRevision } from '../helpers/bytes.ts'
import { RecordingListener } from '../helpers/recording-listener.ts'
import { waitFor } from '../helpers/wait.ts'

async function opened(backend: Backend): Promise<RecordingListener> {
  const heard = new RecordingListener()
  await backend.open(heard, 1000)
  return heard
}

test('backends on one place see each other, those on another do not', async () => {
  const place = memoryPlace()
  const [first, second, elsewhere] = [memoryBackend(place), memoryBackend(place), memoryBackend()]
  const [heardFirst, heardSecond, heardElsewhere] = await Promise.all([first, second, elsewhere].map(opened))
  await first.write(bytesOf('{"a":1}'), 1000)
  await heardSecond?.wait('changed')
  expect(heardSecond?.told).toEqual([{ changed: '{"a":1}' }])
  expect([heardFirst?.told, heardElsewhere?.told]).toEqual([[], []])
})

test('a write made before the news of another has come is superseded, and writes nothing', async () => {
  const place = memoryPlace()
  const [first, second] = [memoryBackend(place), memoryBackend(place)]
  await opened(first)
  const heard = await opened(second)
  const writes = [first.write(bytesOf('first'), 1000), second.write(bytesOf('second'), 1000)]
  expect(await Promise.all(writes)).toEqual(['written', 'superseded'])
  expect(heard.told).toEqual([{ changed: 'first' }])
  expect(textOf(place.bytes)).toBe('first')
})

test('listeners that answer with a write hear everything in the order in which it happened', async () => {
  const place = memoryPlace()
  const backends = [memoryBackend(place), memoryBackend(place), memoryBackend(place)] as const
  const heard = await Promise.all(backends.slice(1).map(opened))
  const answering = new RecordingListener((entry) => {
    if ('changed' in entry && entry.changed === 'question') void backends[0].write(bytesOf('answer'), 1000)
  })
  await backends[0].open(answering, 1000)
  await backends[1].write(bytesOf('question'), 1000)
  await waitFor(() => heard[1]?.told.length === 2, { what: 'question and answer' })
  expect(heard[1]?.told).toEqual([{ changed: 'question' }, { changed: 'answer' }])
  expect(heard[0]?.told).toEqual([{ changed: 'answer' }])
})

test('replace() is what another program does, to a store too', async () => {
  const place = memoryPlace()
  await using pt = await openStore<{ a: number; b?: number }>({ backend: memoryBackend(place), defaults: { a: 1 } })
  await pt.save()
  const heard = new Promise((resolve) => pt.$on('change', resolve))
  place.replace(bytesOf('{"a":1,"b":2}'))
  expect(await heard).toMatchObject({ name: 'b', value: 2, origin: 'remote' })
  pt.a = 3
  await pt.save()
  expect(JSON.parse(withoutRevision(textOf(place.bytes) ?? ''))).toEqual({ a: 3, b: 2 })
})

test('two stores on one place end with the changes of both', async () => {
  const place = memoryPlace()
  await using one = await openStore<{ a?: number; b?: number }>({ backend: memoryBackend(place) })
  await using two = await openStore<{ a?: number; b?: number }>({ backend: memoryBackend(place) })
  one.a = 1
  two.b = 2
  await Promise.all([one.save(), two.save()])
  await Promise.all([one.save(), two.save()])
  expect(JSON.parse(withoutRevision(textOf(place.bytes) ?? ''))).toEqual({ a: 1, b: 2 })
  expect({ ...one }).toEqual({ a: 1, b: 2 })
  expect({ ...two }).toEqual({ a: 1, b: 2 })
})

test("the place's own bytes cannot be changed from outside", () => {
  const place = memoryPlace()
  const given = bytesOf('kept')
  place.replace(given)
  given.fill(0)
  place.bytes?.fill(0)
  expect(textOf(place.bytes)).toBe('kept')
  place.replace(null)
  expect(place.bytes).toBeNull()
})
