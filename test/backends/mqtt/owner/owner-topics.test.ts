import { describe, expect, test } from 'vitest'
import {
  isHigher,
  lwtTopicOf,
  nameInLwtTopic,
  onlineIn,
  ownerOf,
  ownerTopicOf,
  type Presence,
  printOnline,
  printSaid,
  type Said,
  saidIn as saidInMessage,
} from '../../../../src/backends/mqtt/owner/owner-topics.ts'
import { bytesOf } from '../../../helpers/bytes.ts'

const SESSION = '5e0c0123456789ab'

const saidIn = (payload: Uint8Array) => saidInMessage({ payload, packetId: 1 })

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
      const rank = { session: SESSION, since }
      expect(printSaid(rank, true, false)).toBe(`{"session":"${SESSION}","since":${since},"online":true}`)
      for (const isOnline of [true, false])
        for (const isBesideDevice of [true, false]) {
          const said = saidIn(bytesOf(printSaid(rank, isOnline, isBesideDevice)))
          expect(said).toEqual({ rank, session: SESSION, isOnline, isBesideDevice, isAtQos0: false })
        }
    }
  })

  test('is read as it was written by earlier versions, which say at tele/<name>/LWT whether they are online', () => {
    const rank = { session: SESSION, since: 1 }
    const said = saidIn(bytesOf(JSON.stringify(rank)))
    expect(said).toMatchObject({ rank, session: SESSION, isOnline: undefined, isBesideDevice: false })
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
    expect(saidIn(bytesOf(text))).toMatchObject({ rank: undefined, session: undefined })
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
    expect(saidIn(payload)).toMatchObject({ rank: undefined, session: SESSION })
  })

  test.each(['', 'ffff', '+', '#', `${SESSION}/#`, SESSION.toUpperCase(), `${SESSION}0`, `${SESSION}\n`, '\0'])(
    'is a rank with the session %j, and nothing that could become a level of a topic',
    (session) => {
      const payload = bytesOf(JSON.stringify({ session, since: 1 }))
      expect(saidIn(payload)).toMatchObject({ rank: { session, since: 1 }, session: undefined })
    },
  )

  test('up to 200 bytes are read', () => {
    const padded = (length: number) => bytesOf(printSaid({ session: SESSION, since: 1 }, true, false).padEnd(length))
    expect(saidIn(padded(200)).session).toBe(SESSION)
    expect(saidIn(padded(201)).session).toBeUndefined()
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

describe('who owns a pool', () => {
  const SAID: Said = {
    rank: undefined,
    session: SESSION,
    isOnline: undefined,
    isBesideDevice: false,
    isAtQos0: false,
  }
  const kindOf = (said: Partial<Said> | undefined, isOnline: boolean | undefined, isAtQos0 = false) => {
    const lwt: Presence = { isOnline, isAtQos0 }
    const { owner, isOnline: isThere } = ownerOf(said && { ...SAID, ...said }, lwt)
    return [owner.kind, isThere]
  }

  test.each([
    ['a program says that it is online', { isOnline: true }, [undefined, true, false], ['program', true]],
    ['a program beside a device is', { isOnline: true, isBesideDevice: true }, [true, false], ['program', true]],
    [
      'a program is lost, whatever it has left at tele/…/LWT',
      { isOnline: false },
      [undefined, true, false],
      ['none', false],
    ],
    ['a program beside a device is lost', { isOnline: false, isBesideDevice: true }, [true], ['device', true]],
    ['both are', { isOnline: false, isBesideDevice: true }, [false], ['none', false]],
    ['a program of an earlier version is online', {}, [true], ['program', true]],
    ['one that may not say so is', {}, [undefined], ['program', undefined]],
    ['a program of an earlier version is lost', {}, [false], ['none', false]],
    ['something is online without a word', { session: undefined }, [true], ['device', true]],
    ['a device is not', undefined, [false], ['none', false]],
    ['nobody says anything', undefined, [undefined], ['none', undefined]],
  ] as const)('where %s', (_, said, lwt, expected) => {
    for (const isOnline of lwt) expect(kindOf(said, isOnline)).toEqual(expected)
  })

  test('a lost program has not said Online at another QoS than what it says of itself: a device has come since', () => {
    expect(kindOf({ isOnline: false }, true, true)).toEqual(['device', true])
    expect(kindOf({ isOnline: false }, false, true)).toEqual(['none', false])
    expect(kindOf({ isOnline: false, isAtQos0: true }, true, true)).toEqual(['none', false])
    expect(kindOf({ isOnline: true }, true, true)).toEqual(['program', true])
  })
})
