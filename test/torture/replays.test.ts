import { expect, test } from 'vitest'
import { carriedAlong } from '../helpers/bytes.ts'
import { afterCrash, journalPath } from '../helpers/journaled-store.ts'
import { ScriptedBroker } from '../helpers/scripted-world.ts'

// What the torture run has found, each race as one order of messages in which it went wrong. One more, of which links
// and questions are all, is in test/brokers/editor.test.ts: an owner that loses its link is asked everything again.

test('what an editor writes while its owner writes a lost pool again is no conflict, and stays', async () => {
  const broker = new ScriptedBroker('{"a":1,"b":1}')
  const owner = await broker.owner()
  broker.restart(null)
  await owner.link.back()
  // The owner's write is on its way when the editor, which finds nothing, has its own retained.
  const { editor, link } = await broker.editor()
  const patched = editor.patch({ a: 5 })
  await link.up()
  await owner.link.up()
  await link.settle()
  expect(await patched).toEqual({ way: 'direct' })
  await owner.link.settle()
  expect(broker.pool).toEqual({ a: 5, b: 1 })
  expect(owner.conflicts).toEqual([])
})

test('what an editor writes to a lost pool is no conflict for an owner that has it from the journal of a killed one', async () => {
  const broker = new ScriptedBroker('{"a":1,"b":1}')
  const path = journalPath()
  const killed = await broker.owner({ journal: path })
  broker.restart(null)
  await killed.link.back()
  // What is to be written is on the disk before.
  await killed.link.nth(1)
  const journal = await afterCrash(path)
  killed.link.cut()
  const { editor, link } = await broker.editor()
  const patched = editor.patch({ a: 5 })
  await link.up()
  await link.settle()
  expect(await patched).toEqual({ way: 'direct' })
  const owner = await broker.owner({ journal })
  await owner.link.up()
  await owner.link.settle()
  expect(broker.pool).toEqual({ a: 5, b: 1 })
  expect(owner.conflicts).toEqual([])
})

test('what one editor removes while another one writes a lost pool again stays removed', async () => {
  const broker = new ScriptedBroker('{"x":1}')
  const [one, other] = [await broker.editor(), await broker.editor()]
  const added = one.editor.patch({ y: 2 })
  const removed = other.editor.patch({ x: null })
  await one.link.nth(1)
  await other.link.nth(1)
  broker.publish('no pool')
  await one.link.down()
  await other.link.down()
  await other.link.settle()
  expect(await removed).toEqual({ way: 'direct' })
  // It hears of that before its own write lands over it.
  await one.link.settle()
  expect(await added).toEqual({ way: 'direct' })
  expect(broker.pool).toEqual({ y: 2 })
})

test('what an owner keeps against a stale writer, an editor does not remove again', async () => {
  const broker = new ScriptedBroker('{"a":1}')
  const owner = await broker.owner()
  owner.pt.x = 1
  void owner.pt.save()
  await owner.link.settle()
  const { editor, link } = await broker.editor()
  const patched = editor.patch({ y: 2 })
  await link.nth(1)
  // Somebody who has read the pool before there was an x writes it, twice.
  broker.publish('{"a":1,"z":8}')
  await link.down()
  await link.up()
  await link.down(2)
  broker.publish('{"a":1,"z":9}')
  await link.down()
  // The owner, on a slow link, hears of that only now, and writes its x again, before the link breaks.
  await owner.link.down()
  await owner.link.up()
  await owner.link.down(4)
  owner.link.cut()
  await link.settle()
  expect(await patched).toEqual({ way: 'direct' })
  await owner.link.back()
  await owner.link.settle()
  expect(broker.pool).toEqual({ a: 1, x: 1, y: 2, z: 9 })
})

test('what comes to an editor while it writes, and is removed by somebody else, stays removed', async () => {
  const broker = new ScriptedBroker('{"a":1}')
  const { editor, link } = await broker.editor()
  const patched = editor.patch({ y: 2 })
  await link.nth(1)
  broker.publish('{"a":1,"x":5}')
  await link.down()
  await link.up()
  await link.down(2)
  // Its second write is under way when somebody writes who has not seen the first: it needs a third.
  broker.publish('{"a":1,"x":5,"z":8}')
  await link.down()
  await link.up()
  await link.down(2)
  broker.publish(carriedAlong(broker.retained.text, '{"a":1,"y":2,"z":9}'))
  await link.settle()
  expect(await patched).toEqual({ way: 'direct' })
  expect(broker.pool).toEqual({ a: 1, y: 2, z: 9 })
})

test('what an owner sets and removes again does not give way to what somebody wrote before', async () => {
  const broker = new ScriptedBroker('{"y":1}')
  const owner = await broker.owner()
  broker.publish('{"y":1,"x":7}')
  owner.pt.x = 2
  void owner.pt.save()
  delete owner.pt.x
  const saved = owner.pt.save()
  await owner.link.up()
  await owner.link.settle()
  await saved
  expect(broker.pool).toEqual({ y: 1 })
  expect(owner.conflicts).toEqual(['x'])
})
