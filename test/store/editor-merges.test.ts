import { expect, it } from 'vitest'
import { startedStore } from '../../src/open/open-store.ts'
import { asWritten, bytesOf, carriedAlong, revisionOf } from '../helpers/bytes.ts'
import { HeldBackend } from '../helpers/held-backend.ts'

// The store of an editor that writes a pool itself, loses it meanwhile, and hears of others who write.

const FIRST = asWritten('{"$rev":"test.1<0","x":1,"y":1}')

/** It is asked to make y 2, and its write is on its way. */
async function asked(text: string) {
  const backend = new HeldBackend(text, { auto: false })
  const given = { name: 'garage', saveOnExit: false }
  const { core } = await startedStore(given, () => backend, true)
  core.context.events.on('error', () => {})
  const answer = core.requested({ kind: 'patch', bytes: bytesOf('{"y":2}'), isAnswered: true })
  const first = await backend.nth(1)
  /** Lets everything land from now on, and tells what is held in the end. */
  const settled = async () => {
    backend.auto = true
    backend.writes.at(-1)?.land()
    await answer
    await core.close()
    return JSON.parse(backend.text ?? '')
  }
  return { backend, core, answer, first, settled }
}

/** The same, whose write has landed over somebody's x, and who is passing that on. */
async function passingOn() {
  const editor = await asked(FIRST)
  editor.backend.foreign(carriedAlong(FIRST, '{"x":5,"y":1}'))
  editor.first.land()
  return { ...editor, second: await editor.backend.nth(2) }
}

it('an editor writes again what it was asked to change, and what somebody else removes stays removed', async () => {
  const { backend, core, answer, first, settled } = await asked(FIRST)
  first.land()
  await answer
  backend.auto = true
  backend.foreign('no pool')
  await core.save()
  expect(backend.text).toBe('{"x":1,"y":2}')
  backend.foreign(carriedAlong(FIRST, '{"y":1,"z":9}'))
  expect(await settled()).toEqual({ y: 2, z: 9 })
})

it('an editor does not bring back what somebody removes while a lost pool is being sent again', async () => {
  const { backend, first, settled } = await asked(FIRST)
  backend.foreign('no pool')
  backend.foreign(carriedAlong(FIRST, '{"y":1,"z":9}'))
  first.land('overwritten')
  await backend.nth(2)
  expect(await settled()).toEqual({ y: 2, z: 9 })
})

it('an editor takes what somebody makes of everything else, also while a lost pool is being sent again', async () => {
  const { backend, settled } = await asked(FIRST)
  for (const n of [1, 2]) {
    const write = await backend.nth(n)
    backend.foreign('no pool')
    write.land('overwritten')
  }
  const third = await backend.nth(3)
  backend.foreign(carriedAlong(FIRST, '{"x":7,"y":1}'))
  backend.auto = true
  third.land('overwritten')
  expect(await settled()).toEqual({ x: 7, y: 2 })
})

it('an editor passes on what came while it wrote, though a third one builds on its first write', async () => {
  const { backend, first, second, settled } = await passingOn()
  backend.foreign(carriedAlong(first.payload, '{"x":1,"y":2,"z":9}'))
  backend.auto = true
  second.land()
  expect(await settled()).toEqual({ x: 5, y: 2, z: 9 })
})

it('an editor leaves what it has passed on to who removes it', async () => {
  const { backend, second, answer, settled } = await passingOn()
  backend.foreign('no pool')
  backend.auto = true
  second.land('overwritten')
  await answer
  backend.foreign(carriedAlong(second.payload, '{"y":2,"z":9}'))
  expect(await settled()).toEqual({ y: 2, z: 9 })
})

it('an editor passes on what was lost, removed, and written by somebody again', async () => {
  const { backend, first, settled } = await asked('{"x":1}')
  backend.foreign('no pool')
  backend.foreign('{"z":9}')
  first.land('overwritten')
  const second = await backend.nth(2)
  backend.foreign('{"x":5,"z":9}')
  second.land()
  await backend.nth(3)
  backend.foreign('{"y":2,"z":8}')
  expect(await settled()).toEqual({ x: 5, y: 2, z: 8 })
})

it('an editor takes what somebody makes of a variable of a lost pool, though an older pool was held before', async () => {
  const { backend, first, settled } = await asked('{"x":1,"y":1}')
  backend.foreign('{"x":1,"y":1,"z":8}')
  first.land()
  await backend.nth(2)
  backend.foreign('{"x":1,"y":2,"z":9}')
  backend.reread(first.payload)
  backend.foreign('no pool')
  backend.foreign('{"x":7,"y":2}')
  expect(await settled()).toMatchObject({ x: 7, y: 2 })
})

it.each([
  ['keeps its change against who had not seen it', () => asWritten('{"$rev":"theirs.1<test.1","x":1,"y":3}'), 2],
  ['leaves it to who had', (ours: string) => carriedAlong(ours, '{"x":1,"y":3}'), 3],
])('an editor whose write was held, and that has not answered yet, %s', async (_what, theirs, y) => {
  const { backend, first, settled } = await asked(FIRST)
  backend.landed()
  backend.foreign(theirs(first.payload))
  backend.auto = true
  first.land('overwritten')
  expect(await settled()).toEqual({ x: 1, y })
})

const OWNERS = asWritten('{"$rev":"own.7<own.3","x":5,"z":9}')

it('an editor takes what an owner makes of a pool that the editor does not know, but for what it was asked for', async () => {
  const { backend, first, settled } = await asked(FIRST)
  backend.foreign(OWNERS)
  first.land('overwritten')
  await backend.nth(2)
  expect(await settled()).toEqual({ x: 5, y: 2, z: 9 })
})

/** Somebody else's, who had not seen what the editor found. */
const STRAY = asWritten('{"$rev":"else.7<else.3<own.1","x":5,"y":1}')

it.each([
  ['an owner', OWNERS],
  ['another editor', STRAY],
])(
  'an editor whose write lands over what %s wrote unseen passes nothing on: its writer sees to that',
  async (_who, text) => {
    const { backend, first, settled } = await asked(FIRST)
    backend.foreign(text)
    first.land()
    expect(await settled()).toEqual({ x: 1, y: 2 })
    // Once more, which tells the others that it has seen that.
    expect(backend.writes.map(({ text }) => JSON.parse(text))).toEqual([
      { x: 1, y: 2 },
      { x: 1, y: 2 },
    ])
  },
)

const THIRD = asWritten('{"$rev":"third.1<else.7<own.1","x":5,"y":1,"z":8}')

it.each([
  ['that writer has merged by then', [STRAY, asWritten('{"$rev":"else.8<else.7<own.1","x":6,"z":9}')]],
  ['it has merged with a third one', [STRAY, THIRD, asWritten('{"$rev":"else.9<third.1<own.1","x":6,"z":9}')]],
])('an editor passes on what %s', async (_what, texts) => {
  const { backend, first, settled } = await asked(FIRST)
  for (const text of texts) backend.foreign(text)
  first.land()
  const { text } = await backend.nth(2)
  expect(JSON.parse(text)).toEqual({ x: 6, y: 2, z: 9 })
  expect(await settled()).toEqual({ x: 6, y: 2, z: 9 })
})

it.each([
  ['another one builds on such a pool', [STRAY, THIRD]],
  [
    'its writer writes next without having seen a third one',
    [STRAY, THIRD, asWritten('{"$rev":"else.8<else.7","x":6}')],
  ],
])('an editor does not take what %s for a merge of all', async (_what, texts) => {
  const { backend, first, settled } = await asked(FIRST)
  for (const text of texts) backend.foreign(text)
  first.land()
  expect(await settled()).toEqual({ x: 1, y: 2 })
})

it('nor what one writes twice who found such a pool', async () => {
  const { backend, first, settled } = await asked(FIRST)
  for (const text of [STRAY, THIRD]) backend.foreign(text)
  backend.foreign(asWritten('{"$rev":"third.2<third.1<own.1","x":5,"y":1,"z":9}'))
  first.land()
  expect(await settled()).toEqual({ x: 1, y: 2 })
})

it.each(['overwritten', 'superseded'] as const)(
  'an editor whose write was %s goes on with what came last',
  async (outcome) => {
    const { backend, first, settled } = await asked(FIRST)
    backend.foreign(STRAY)
    backend.foreign(carriedAlong(FIRST, '{"x":7,"y":1,"z":9}'))
    first.land(outcome)
    await backend.nth(2)
    expect(await settled()).toEqual({ x: 7, y: 2, z: 9 })
  },
)

it('an editor builds on such a pool where no write of its own is under way, and keeps what it was asked for', async () => {
  const { backend, core, first, answer, settled } = await asked(FIRST)
  first.land()
  await answer
  backend.foreign(STRAY)
  void core.requested({ kind: 'patch', bytes: bytesOf('{"z":3}'), isAnswered: true })
  await backend.nth(2)
  expect(await settled()).toEqual({ x: 5, y: 2, z: 3 })
})

it('a pool that went under a write which was held does not come back with one that was not', async () => {
  const { backend, core, first, answer, settled } = await asked(FIRST)
  backend.foreign(STRAY)
  first.land()
  await answer
  void core.requested({ kind: 'patch', bytes: bytesOf('{"y":3}'), isAnswered: true })
  const second = await backend.nth(2)
  second.land('superseded')
  await backend.nth(3)
  expect(await settled()).toEqual({ x: 1, y: 3 })
})

it('an editor does not insist on what an owner had seen before its broker forgot all, and changed since', async () => {
  const { backend, first, answer, settled } = await asked(FIRST)
  first.land()
  await answer
  backend.foreign(asWritten(`{"$rev":"own.8<${revisionOf(first.payload)?.id}","x":1,"y":2}`))
  backend.offline()
  backend.online(asWritten('{"$rev":"own.9<0","x":1,"y":7}'))
  expect(await settled()).toEqual({ x: 1, y: 7 })
})

it('an editor whose link was broken passes nothing on: others may know better by now', async () => {
  const { backend, first, settled } = await asked(FIRST)
  backend.foreign(carriedAlong(FIRST, '{"x":5,"y":1}'))
  backend.offline()
  first.fail('ERR_PERSIST_CONNECT')
  backend.online(carriedAlong(FIRST, '{"x":1,"y":1,"z":9}'))
  await backend.nth(2)
  expect(await settled()).toEqual({ x: 1, y: 2, z: 9 })
})

it('nor what its writer makes of it when the write of the editor is held', async () => {
  const { backend, core, first, settled } = await asked(FIRST)
  backend.foreign(STRAY)
  first.land()
  void core.requested({ kind: 'patch', bytes: bytesOf('{"y":3}'), isAnswered: true })
  await backend.nth(2)
  backend.foreign(asWritten('{"$rev":"else.8<else.7<own.1","x":6,"z":9}'))
  expect(await settled()).toEqual({ x: 1, y: 3 })
})

it('an editor does not insist on values of a pool whose writer had not seen what was there', async () => {
  const { backend, core, first, answer, settled } = await asked(FIRST)
  first.land()
  await answer
  backend.foreign(asWritten('{"$rev":"else.7<else.3<own.1","x":5,"y":2}'))
  backend.foreign(asWritten(`{"$rev":"third.1<${revisionOf(first.payload)?.id}<own.1","x":1,"y":2,"z":9}`))
  expect(core.context.unsaved.isEmpty).toBe(true)
  // From now on it is known who has changed what.
  backend.foreign(asWritten('{"$rev":"fourth.1<third.1<own.1","x":7,"y":2,"z":9}'))
  backend.foreign(asWritten('{"$rev":"fifth.1<third.1<own.1","x":1,"y":2,"z":8}'))
  expect(await settled()).toEqual({ x: 7, y: 2, z: 8 })
})

it('an editor that is closed passes on what it writes over, however often somebody is faster', async () => {
  const { backend, core, first, answer } = await asked(FIRST)
  first.land()
  await answer
  const foreign = (n: number) => backend.foreign(carriedAlong(backend.payload ?? '', `{"x":1,"y":2,"n":${n},"z":${n}}`))
  backend.foreign(carriedAlong(FIRST, '{"x":1,"y":1,"z":0}'))
  const closed = core.close()
  for (let n = 1; n <= 5; n++) {
    const write = await backend.nth(n + 1)
    foreign(n)
    write.land()
  }
  backend.auto = true
  ;(await backend.nth(7)).land()
  await closed
  expect(JSON.parse(backend.text ?? '')).toEqual({ x: 1, y: 2, n: 5, z: 5 })
})
