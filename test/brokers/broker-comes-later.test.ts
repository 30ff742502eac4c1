import { describe, expect, onTestFinished, test } from 'vitest'
import { createStore, openEditor, openStore, type PersistError } from '../../src/index.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { freePort } from '../helpers/free-port.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { openedAt, poolAt, running } from '../helpers/opened-at.ts'
import { waitFor } from '../helpers/wait.ts'

/** A broker that is away. */
async function away() {
  const broker = await running(startAedes())
  await broker.kill()
  return broker
}

const garage = { name: 'garage', saveOnExit: false }

describe('a program that is up before its broker', () => {
  test('openStore() waits for it', async () => {
    const { url, restart } = await away()
    const opening = openedAt(url)
    await restart()
    const pt = await opening
    pt.x = 1
    await pt.save()
  })

  test('openEditor() waits for it', async () => {
    const { url, restart } = await away()
    const opening = openEditor({ url, name: 'garage' })
    await restart()
    const editor = await opening
    expect(await editor.patch({ x: 1 })).toEqual({ way: 'direct' })
    await editor.close()
  })

  test('createStore() tells once that it is late, and goes on', async () => {
    const { url, restart } = await away()
    const pt = createStore({ ...garage, url, openTimeoutMs: 200 })
    onTestFinished(() => pt.$close().catch(() => {}))
    const errors: PersistError[] = []
    pt.$on('error', (error) => errors.push(error))
    const ran = pt.exec(() => 'ran')
    await waitFor(() => errors.length > 0, { what: 'the error' })
    expect(errors).toMatchObject([{ code: 'ERR_PERSIST_CONNECT', received: 'ECONNREFUSED' }])
    expect(pt.$status.state).toBe('connecting')
    await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_NOT_READY' })
    errors.length = 0
    await restart()
    expect(await ran).toBe('ran')
    expect([pt.$status.state, errors]).toEqual(['ready', []])
  })

  test('createStore() can be closed while it goes on', async () => {
    const pt = createStore({ ...garage, url: `mqtt://127.0.0.1:${await freePort()}`, openTimeoutMs: 50 })
    const late = new Promise((resolve) => pt.$on('error', resolve))
    const ran = pt.exec(() => 'ran')
    await late
    await pt.$close()
    await expect(ran).rejects.toMatchObject({ code: 'ERR_PERSIST_CLOSED' })
  })

  test('createStore() fails for good where the broker refuses', async () => {
    const broker = await running(startAedes({ authenticate: (_client, _user, _given, done) => done(null, false) }))
    const pt = createStore({ ...garage, url: broker.url })
    pt.$on('error', () => {})
    await expect(pt.exec(() => {})).rejects.toMatchObject({ code: 'ERR_PERSIST_DENIED' })
    expect(pt.$status.state).toBe('failed')
  })
})

describe.skipIf(!mosquittoAvailable)('two brokers', () => {
  test('a store goes on at the second one when the first is gone, and begins there next time', async () => {
    const [first, second] = [await running(startMosquitto()), await running(startMosquitto())]
    const pt = await openStore({ ...garage, url: [first.url, second.url] })
    onTestFinished(() => pt.$close().catch(() => {}))
    pt.$on('error', () => {})
    pt.x = 1
    await pt.save()
    expect(await poolAt(first.url)).toEqual({ x: 1 })
    await first.kill()
    pt.x = 2
    await pt.save()
    expect(await poolAt(second.url)).toEqual({ x: 2 })
    // The first one is back, and empty: the store stays where it is.
    await first.restart()
    pt.x = 3
    await pt.save()
    expect([await poolAt(second.url), await poolAt(first.url)]).toEqual([{ x: 3 }, undefined])
  })
})
