import { readFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { AccessList } from '../../src/broker/access-list.ts'
import type { ClientEvent } from '../../src/broker/client-events.ts'
import { startBroker } from '../../src/broker/start-broker.ts'
import { openEditor, openStore } from '../../src/index.ts'
import { Pools } from '../../src/pools/pools.ts'
import { connectClient } from '../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor } from '../helpers/wait.ts'
import { startTestBroker } from './fixture.ts'

describe('an access list', () => {
  test('has lines for one user and for all, and allows nothing else', () => {
    const list = AccessList.read(
      '# who\n\npattern read shown/#\npattern write in/%u/+\r\nuser ann\ntopic garden/a b\ntopic read $SYS/#\nuser bob\ntopic read +/x\n',
      'acl',
    )
    const rights = (user: string, topic: string) =>
      [list.mayRead(user, topic) && 'read', list.mayWrite(user, topic) && 'write'].filter(Boolean).join('')
    for (const [user, topic, right] of [
      ['carl', 'shown', 'read'],
      ['carl', 'shown/a/b', 'read'],
      ['carl', 'shownx', ''],
      ['carl', 'in/carl/1', 'write'],
      ['carl', 'in/carl', ''],
      ['carl', 'in/carl/1/2', ''],
      ['carl', 'in/ann/1', ''],
      ['carl', 'garden/a b', ''],
      ['ann', 'garden/a b', 'readwrite'],
      ['ann', '$SYS/x', 'read'],
      ['bob', 'y/x', 'read'],
      ['bob', '$SYS/x', ''],
      ['a/b', 'in/a/b/1', 'write'],
      ['+', 'in/carl/1', ''],
      ['+', 'in/+/1', ''],
      ['#', 'in/#/1', ''],
      ['', 'in//1', 'write'],
    ])
      expect([user, topic, rights(String(user), String(topic))]).toEqual([user, topic, right])
  })

  test('grants a subscription where something that it brings may be read', () => {
    const list = AccessList.read('pattern read stat/+/PersistMQTT\npattern write in/#\npattern read a/#', 'acl')
    for (const [filter, may] of [
      ['stat/#', true],
      ['#', true],
      ['+/x/+', true],
      ['stat/x/PersistMQTT', true],
      ['stat/x/PersistMQTT/#', true],
      ['a', true],
      ['stat/x/PersistMQTT/+', false],
      ['stat/x', false],
      ['tele/#', false],
      ['in/#', false],
    ] as const)
      expect([filter, list.maySubscribe('ann', filter)]).toEqual([filter, may])
  })

  test.each([
    ['topic read a', 'a topic line belongs to the user line before it'],
    ['pattern read a/#/b', 'a/#/b is no topic filter'],
    ['pattern a+', 'a+ is no topic filter'],
    ['pattern deny a/#', 'there is no deny'],
    ['user', 'it must be user NAME'],
    ['everybody read a', 'it must be user NAME'],
  ])('with the line "%s" is refused, and the error says which it is', (line, why) => {
    expect(() => AccessList.read(`# one\n${line}\n`, 'the/acl')).toThrow(
      expect.objectContaining({
        code: 'ERR_PERSIST_FAILED',
        message: expect.stringContaining(`the/acl, line 2: ${why}`),
      }),
    )
  })

  test('needs a login', async () => {
    const started = startBroker({ directory: temporaryDirectory(), access: AccessList.read('', 'acl') })
    await expect(started).rejects.toMatchObject({ code: 'ERR_PERSIST_OPTION' })
  })
})

describe('the access list of the documentation', () => {
  const start = async () => {
    const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
    const [, text = ''] = /```text\n(# Every user sees[^`]*)```/.exec(page) ?? []
    const events: ClientEvent[] = []
    const broker = await startTestBroker({
      directory: temporaryDirectory(),
      mayConnect: async (name) => ['garage', 'ann', 'bob'].includes(name ?? ''),
      access: AccessList.read(text, 'acl'),
      onClient: (event) => void events.push(event),
    })
    const as = (username: string) => ({ url: broker.url, username, password: 'x' })
    const owner = await openStore({ ...as('garage'), name: 'garage', saveOnExit: false })
    onTestFinished(() => owner.$close().catch(() => {}))
    owner.door = 'closed'
    await owner.save()
    return { broker, events, as, owner }
  }

  test('lets an owner own its pool, and no other', { timeout: 30_000 }, async () => {
    const { as } = await start()
    const other = openStore({ ...as('garage'), name: 'attic', saveOnExit: false, openTimeoutMs: 5000 }).then(
      async (pt) => {
        onTestFinished(() => pt.$close().catch(() => {}))
        pt.door = 'open'
        await pt.save()
      },
    )
    await expect(other).rejects.toMatchObject({ code: 'ERR_PERSIST_DENIED' })
  })

  test('lets an editor ask the owner, and a reader look at pools and nothing more', { timeout: 30_000 }, async () => {
    const { as, owner, events, broker } = await start()
    const editor = await openEditor({ ...as('ann'), name: 'garage' })
    onTestFinished(() => editor.close())
    expect(await editor.patch({ door: 'open' })).toMatchObject({ way: 'owner' })
    expect(owner.door).toBe('open')
    const reader = await openStore({ ...as('bob'), name: 'garage', readOnly: true })
    expect(reader.door).toBe('open')
    await reader.$close()
    const names: string[] = []
    await new Pools(as('bob')).list((name) => void names.push(name))
    expect(names).toEqual(['garage'])
    const bob = await connectClient(broker.url, { clientId: 'bob', username: 'bob', password: 'x' })
    for (const topic of ['stat/garage/PersistMQTT', 'stat/garage/PersistMQTT/set'])
      for (const qos of [0, 1, 2] as const) await bob.publishAsync(topic, '{"door":"broken"}', { qos, retain: true })
    expect(events.filter(({ kind, clientId }) => kind === 'denied' && clientId === 'bob')).toEqual([
      {
        kind: 'denied',
        clientId: 'bob',
        username: 'bob',
        address: '127.0.0.1',
        reason: 'it may not write stat/garage/PersistMQTT',
      },
    ])
    const codes = new Promise((resolve) =>
      bob.on('packetreceive', (packet) => void (packet.cmd === 'suback' && resolve(packet.granted))),
    )
    bob.subscribe(['stat/garage/PersistMQTT/answer/#', 'stat/#', '#'], { qos: 1 }, () => {})
    expect(await codes).toEqual([0x80, 1, 1])
    const heard = new Set<string>()
    bob.on('message', (topic) => void heard.add(topic))
    owner.door = 'ajar'
    await owner.save()
    await waitFor(() => heard.has('stat/garage/PersistMQTT'), { what: 'the save' })
    // Not the fence, nor the owner's answers, though "#" was granted.
    const shown = ['stat/garage/PersistMQTT', 'stat/garage/PersistMQTT/owner', 'tele/garage/LWT']
    expect([...heard].filter((topic) => !shown.includes(topic))).toEqual([])
    expect(owner.door).toBe('ajar')
  })
})
