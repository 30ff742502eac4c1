import { describe, expect, test } from 'vitest'
import { Answers } from '../../src/mqtt/answers.ts'
import { MalformedPacket } from '../../src/mqtt/codec/malformed-packet.ts'

/** Asks for an acknowledgement; returns the packet identifier. */
function ask(answers: Answers): number {
  let id = 0
  answers.ask(
    'puback',
    (packetId) => {
      id = packetId
    },
    () => {},
  )
  return id
}

const acknowledge = (answers: Answers, packetId: number) =>
  answers.received({ type: 'puback', packetId, reasonCode: 0, properties: {} })

describe('packet identifiers', () => {
  test('begin again behind the last one, and pass over those that wait for an answer', () => {
    const answers = new Answers()
    expect([ask(answers), ask(answers), ask(answers)]).toEqual([1, 2, 3])
    acknowledge(answers, 2)
    const all = Array.from({ length: 65_532 }, () => {
      const id = ask(answers)
      acknowledge(answers, id)
      return id
    })
    expect([all[0], all.at(-1), new Set(all).size]).toEqual([4, 65_535, 65_532])
    expect([ask(answers), ask(answers)]).toEqual([2, 4])
  })

  test('that all wait for an answer are an error, and one that is answered can be used again', () => {
    const answers = new Answers()
    for (let id = 1; id <= 65_535; id++) ask(answers)
    expect(() => ask(answers)).toThrow(RangeError)
    acknowledge(answers, 40_000)
    expect(ask(answers)).toBe(40_000)
  })

  test('of what could not be sent are free', () => {
    const answers = new Answers()
    const fail = () => {
      throw new RangeError('no')
    }
    for (const _ of [1, 2]) expect(() => answers.ask('suback', fail, () => {})).toThrow('no')
    expect(() => answers.received({ type: 'suback', packetId: 1, reasonCodes: [0], properties: {} })).toThrow(
      MalformedPacket,
    )
    expect(ask(answers)).toBe(1)
  })
})
