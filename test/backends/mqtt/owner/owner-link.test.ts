import { expect, onTestFinished, test } from 'vitest'
import { OwnerLink } from '../../../../src/backends/mqtt/owner-link.ts'
import { startAedes } from '../../../helpers/aedes.ts'
import { proxied, running } from '../../../helpers/opened-at.ts'
import { errorOf, newTopic } from '../fixture.ts'

test('an editor that has written and gets no connection any more cannot tell whether an owner has come', async () => {
  const proxy = await proxied((await running(startAedes())).url)
  const link = new OwnerLink({ url: proxy.url, topic: newTopic(), protocolVersion: 'auto' }, 5000)
  onTestFinished(() => link.close())
  await link.open(5000)
  expect(await link.isOwned(300)).toBe(false)
  await proxy.close()
  expect(await errorOf(link.isOwned(300))).toMatchObject({
    code: 'ERR_PERSIST_NO_ANSWER',
    cause: { code: 'ERR_PERSIST_CONNECT' },
  })
})
