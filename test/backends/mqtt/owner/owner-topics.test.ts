import { describe, expect, test } from 'vitest'
import {
  isHigher,
  lwtTopicOf,
  nameInLwtTopic,
  onlineIn,
  ownerOf,
  ownerTopicOf,
  printOnline,
  printRank,
  rankIn,
  sessionIn,
} from '../../../../src/backends/mqtt/owner/owner-topics.ts'
import { bytesOf } from '../../../helpers/bytes.ts'

const SESSION = '5e0c0123456789ab'

test('an owner says who it is below the topic of its pool, and is online as a Tasmota device is', () => {
  expect(ownerTopicOf('stat/garage/PersistMQTT')).toBe('stat/garage/PersistMQTT/owner')
  expect(lwtTopicOf('garage')).toBe('tele/garage/LWT')
})

test('a name is found in the topic that was made of it, whatever it is, and in no other topic', () => {
  for (const name of ['garage', 'a/b', 'a\nb', '/', 'LWT', 'ä']) expect(nameInLwtTopic(lwtTopicOf(name))).toBe(name)
  for (const topic of ['', 'tele/LWT', 'tele//LWT', 'tele/a/LWT/x', 'x/tele/a/LWT', 'tele/a/lwt', 'stat/a/LWT']) {
    expect(nameInLwtTopic(topic)).toBeUndefined()
  }
})

describe('what an owner says of itself', () => {
  test('is read as it was written', () => {
    for (const since of [0, 1_795_390_839_000, 2 ** 52 - 1]) {
      const text = printRank({ session: SESSION, since })
      expect(text).toBe(`{"session":"${SESSION}","since":${since}}`)
      expect(rankIn(bytesOf(text))).toEqual({ session: SESSION, since })
      expect(sessionIn(bytesOf(text))).toBe(SESSION)
    }
  })

  const nothing: [string, string][] = [
    ['nothing', ''],
    ['no JSON', '{"session":'],
    ['no object', '7'],
    ['null', 'null'],
    ['a list', `["${SESSION}",1]`],
    ['a session that is no text', '{"session":1234567890123456,"since":1}'],
    ['a session that is a list of one', `{"session":["${SESSION}"],"since":1}`],
    ['more than 200 bytes', `{"session":"${SESSION}","since":1${' '.repeat(200)}}`],
    ['nesting without end', '['.repeat(100_000)],
  ]
  test.each(nothing)('is no rank and no session where there is %s', (_, text) => {
    expect(rankIn(bytesOf(text))).toBeUndefined()
    expect(sessionIn(bytesOf(text))).toBeUndefined()
  })

  const times: [string, string][] = [
    ['no time', ''],
    ['a time as text', ',"since":"1"'],
    ['a time before 1970', ',"since":-1'],
    ['a part of a millisecond', ',"since":1.5'],
    ['a time that nobody can count on from', `,"since":${2 ** 52}`],
    ['a number that no double holds', ',"since":9007199254740993'],
    ['an infinite time', ',"since":1e999'],
    ['null', ',"since":null'],
  ]
  test.each(times)('is no rank with %s; whoever says it can be asked all the same', (_, since) => {
    const payload = bytesOf(`{"session":"${SESSION}"${since}}`)
    expect(rankIn(payload)).toBeUndefined()
    expect(sessionIn(payload)).toBe(SESSION)
  })

  test.each(['', 'ffff', '+', '#', `${SESSION}/#`, SESSION.toUpperCase(), `${SESSION}0`, `${SESSION}\n`, '\0'])(
    'is a rank with the session %j, and nothing that could become a level of a topic',
    (session) => {
      const payload = bytesOf(JSON.stringify({ session, since: 1 }))
      expect(rankIn(payload)).toEqual({ session, since: 1 })
      expect(sessionIn(payload)).toBeUndefined()
    },
  )

  test('up to 200 bytes are read', () => {
    const padded = (length: number) => bytesOf(printRank({ session: SESSION, since: 1 }).padEnd(length))
    expect(sessionIn(padded(200))).toBe(SESSION)
    expect(sessionIn(padded(201))).toBeUndefined()
  })
})

test('the later of two owners is the higher one; of the same moment, the one with the higher session', () => {
  const rank = (since: number, session = SESSION) => ({ session, since })
  expect(isHigher(rank(2, '0'), rank(1, 'f'))).toBe(true)
  expect(isHigher(rank(1, 'f'), rank(2, '0'))).toBe(false)
  expect(isHigher(rank(1, 'b'), rank(1, 'a'))).toBe(true)
  expect(isHigher(rank(1, 'a'), rank(1, 'b'))).toBe(false)
  expect(isHigher(rank(1), rank(1))).toBe(false)
})

test('whether something is online is read as it was written, and everything else says nothing', () => {
  for (const isOnline of [true, false]) expect(onlineIn(bytesOf(printOnline(isOnline)))).toBe(isOnline)
  expect([printOnline(true), printOnline(false)]).toEqual(['Online', 'Offline'])
  for (const text of ['', 'online', 'OFFLINE', 'Online ', '"Online"', 'true', 'Online'.repeat(50)]) {
    expect(onlineIn(bytesOf(text))).toBeUndefined()
  }
  expect(onlineIn(Uint8Array.of(0xff, 0xfe))).toBeUndefined()
})

test('a program owns a pool as long as it is not offline; what is online without a word is a device', () => {
  const program = { kind: 'program', session: SESSION }
  const kinds = [true, undefined, false].map((isOnline) => [ownerOf(SESSION, isOnline), ownerOf(undefined, isOnline)])
  expect(kinds).toEqual([
    [program, { kind: 'device' }],
    [program, { kind: 'none' }],
    [{ kind: 'none' }, { kind: 'none' }],
  ])
})
