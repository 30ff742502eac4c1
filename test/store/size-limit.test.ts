import { expect, onTestFinished, test } from 'vitest'
import type { StoreOptions } from '../../src/store/options.ts'
import { opened } from '../helpers/opened-store.ts'
import { waitFor } from '../helpers/wait.ts'

interface PersistWarning extends Error {
  readonly code?: string
}

/** A store on a pool, and the warnings of this process about it. */
async function warned(options: StoreOptions) {
  const warnings: PersistWarning[] = []
  const note = (warning: PersistWarning) => void (warning.name === 'PersistWarning' && warnings.push(warning))
  process.on('warning', note)
  onTestFinished(() => void process.off('warning', note))
  const { backend, pt } = await opened('{}', { name: 'dev1', ...options })
  onTestFinished(() => pt.$close().catch(() => {}))
  let saves = 0
  /** Saves a pool of this size, its revision included; warnings come a tick later. */
  const saved = async (bytes: number) => {
    const revision = saves === 0 ? 'abcd.1.hash1<.hash0' : `abcd.${saves + 1}.hash2<abcd.${saves}.hash1`
    saves += 1
    pt.text = 'x'.repeat(bytes - `{"$rev":"${revision}","n":1,"text":""}`.length)
    pt.n = 1
    await pt.save()
    await new Promise((resolve) => setImmediate(resolve))
    expect(backend.payload).toHaveLength(bytes)
  }
  return { warnings, saved, pt, backend }
}

test('a pool that a device reads is warned of from 1,000 bytes on, once, until it was smaller', async () => {
  const { warnings, saved } = await warned({ compat: 'tasmota' })
  await saved(999)
  await saved(1000)
  expect(warnings).toEqual([])
  await saved(1001)
  await waitFor(() => warnings.length > 0, { what: 'the warning' })
  expect(warnings[0]).toMatchObject({ code: 'WARN_PERSIST_NEARLY_FULL' })
  for (const told of ['1001 bytes', '1174', '"text" (951), "n" (1)']) expect(warnings[0]?.message).toContain(told)
  await saved(1100)
  await saved(1050)
  expect(warnings).toHaveLength(1)
  await saved(900)
  await saved(1050)
  await waitFor(() => warnings.length > 1, { what: 'the second warning' })
})

test('a save that is refused, and a pool that no device reads, are not warned of', async () => {
  const device = await warned({ compat: 'tasmota' })
  device.pt.text = 'x'.repeat(1200)
  await expect(device.pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_TOO_LARGE', limitBytes: 1174 })
  delete device.pt.text
  const other = await warned({})
  await other.saved(5000)
  expect([...device.warnings, ...other.warnings]).toEqual([])
})

test('what an editor asks for is refused where the pool would be too large with its revision, and the owner can save on', async () => {
  const full = '{"$rev":"abcd.3.hash2<abcd.2.hash1","n":1,"text":"xxxxx"}'
  const { backend, pt } = await opened('{"n":1}', { maxBytes: full.length })
  const refused = await backend.request('patch', '{"text":"xxxxxx"}')
  expect([refused.error?.code, pt.find('text'), backend.writes]).toEqual(['ERR_PERSIST_TOO_LARGE', undefined, []])
  expect(await backend.request('patch', '{"text":"xxxxx"}')).toEqual({ ok: true })
  for (const n of [2, 3]) {
    pt.n = n
    await pt.save()
  }
  expect(backend.payload).toHaveLength(full.length)
})
