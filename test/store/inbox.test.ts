import { expect, it } from 'vitest'
import type { News } from '../../src/contracts/backend.ts'
import { Inbox } from '../../src/store/inbox.ts'
import { bytesOf, textOf } from '../helpers/bytes.ts'

const news = (text: string): News => ({ kind: 'held', how: 'written', bytes: bytesOf(text) })
const textIn = (told: News) => (told.kind === 'held' ? textOf(told.bytes) : told.kind)

it('what a backend tells waits until the inbox is open, and comes in the order of what happened', () => {
  const taken: unknown[] = []
  const inbox = new Inbox((told) => taken.push(textIn(told)))
  inbox.tell(news('1'))
  inbox.tell(news('2'))
  expect(taken).toEqual([])
  inbox.open()
  inbox.tell(news('3'))
  expect(taken).toEqual(['1', '2', '3'])
})

it('what is told while news is taken, or while the inbox is closed for it, comes after what has waited', () => {
  const taken: unknown[] = []
  const inbox: Inbox = new Inbox((told) => {
    taken.push(textIn(told))
    if (textIn(told) !== '1') return
    inbox.close()
    inbox.tell(news('3'))
  })
  inbox.tell(news('1'))
  inbox.tell(news('2'))
  inbox.open()
  expect(taken).toEqual(['1'])
  inbox.open()
  expect(taken).toEqual(['1', '2', '3'])
})

it('news that cannot be taken does not keep back what comes after it', () => {
  const taken: unknown[] = []
  const inbox = new Inbox((told) => {
    if (textIn(told) === '1') throw new Error('not this one')
    taken.push(textIn(told))
  })
  inbox.tell(news('1'))
  inbox.tell(news('2'))
  expect(() => inbox.open()).toThrow('not this one')
  inbox.tell(news('3'))
  expect(taken).toEqual(['2', '3'])
})
