import { expect, it } from 'vitest'
import { HeldBackend } from '../helpers/held-backend.ts'

it('zero(true) keeps the version: what is put in afterwards is not migrated', async () => {
  const backend = new HeldBackend('{"$version":2,"a":1}')
  const migrate = {
    2: () => {
      throw new Error('there is nothing to migrate')
    },
  }
  const options = { name: 'versioned', saveOnExit: false, version: 2, migrate }
  const pt = await backend.openers.openStore(options)
  await pt.zero(true)
  expect(backend.text).toBe('{"$version":2}')
  pt.a = 5
  await pt.$close()
  const again = await backend.openers.openStore(options)
  expect(again.a).toBe(5)
})
