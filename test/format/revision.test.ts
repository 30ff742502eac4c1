import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePayload, encodeRevision } from '../../src/format/payload.ts'
import { guestRevision, NOTHING, printRevision, type Revision, revisionIn } from '../../src/format/revision.ts'
import { bytesOf, textOf } from '../helpers/bytes.ts'

const hash = fc.stringMatching(/^[\da-z]{5}$/)
const id = fc
  .tuple(fc.stringMatching(/^[\w-]{1,16}$/), fc.nat({ max: Number.MAX_SAFE_INTEGER }), hash)
  .map(([writer, number, digits]) => `${writer}.${number}.${digits}`)
const plain = hash.map((digits) => `.${digits}`)
const reference = fc.oneof(id, plain, fc.constant(NOTHING))
const revision: fc.Arbitrary<Revision> = fc.oneof(
  fc.record({ id, base: reference }),
  fc.record({ id, base: reference, owner: reference }),
)
const REV: Revision = { id: 'one.2.aaaaa', base: 'other.1.bbbbb' }

describe('a revision', () => {
  it('is printed as an id, its base, and of a guest the last write of an owner', () => {
    expect(printRevision({ id: 'a1.2.aaaaa', base: 'b1.9.bbbbb' })).toBe('a1.2.aaaaa<b1.9.bbbbb')
    expect(printRevision({ id: 'a1.2.aaaaa', base: '.bbbbb', owner: NOTHING })).toBe('a1.2.aaaaa<.bbbbb<0')
  })

  it('is read as it was printed', () => {
    fc.assert(
      fc.property(revision, (one) => {
        const read = revisionIn(printRevision(one))
        expect(read).toEqual(one)
        expect('owner' in (read ?? {})).toBe('owner' in one)
      }),
    )
  })

  it.each([
    '',
    '<',
    '0',
    'one.2.aaaaa',
    'one.2.aaaaa<',
    'one<0',
    'one.2<0',
    '.2.aaaaa<0',
    'one..aaaaa<0',
    'one.2.<0',
    'one.2.aaaa<0',
    'one.2.aaaaaa<0',
    'one.2.AAAAA<0',
    'one.2.aaaaa<other',
    'one.2.aaaaa<00',
    'one.2.aaaaa<0<other',
    'one.2.aaaaa<0<0<0',
    'one.2.aaaaa <0',
    'one.2.aaaaa<0\n',
    'one.-2.aaaaa<0',
    'ö.2.aaaaa<0',
    `${'x'.repeat(17)}.1.aaaaa<0`,
    `one.${'1'.repeat(17)}.aaaaa<0`,
    7,
    null,
    true,
    ['one.2.aaaaa<0'],
    { id: 'one.2.aaaaa', base: '0' },
  ])('is not %j', (value) => expect(revisionIn(value)).toBeUndefined())
})

it.each([
  ['nothing', undefined, 'one.2.00000<0<0'],
  ["an owner's write", { name: 'o.1.aaaaa' }, 'one.2.00000<o.1.aaaaa<o.1.aaaaa'],
  [
    'what a guest wrote',
    { name: 'g.1.aaaaa', revision: { ...REV, owner: 'o.1.bbbbb' } },
    'one.2.00000<g.1.aaaaa<o.1.bbbbb',
  ],
])('a guest names what its write takes the place of, and the last write of an owner in it: %s', (_, held, printed) => {
  expect(printRevision(guestRevision('one.2', held))).toBe(printed)
})

describe('a pool', () => {
  it.each([
    ['as stores write it', '{"$rev":"one.2.aaaaa<other.1.bbbbb","a":1.50,"b":[ 1]}'],
    ['in the middle', '{"a":1.50,"$rev":"one.2.aaaaa<other.1.bbbbb","b":[ 1]}'],
    ['at the end', '{"a":1.50,"b":[ 1],"$rev":"one.2.aaaaa<other.1.bbbbb"}'],
    ['with white space', ' {\n "$rev" : "one.2.aaaaa<other.1.bbbbb" , "a" : 1.50, "b":[ 1] } \n'],
    ['with white space behind it', '{"$rev":"one.2.aaaaa<other.1.bbbbb" ,"a":1.50,"b":[ 1]}'],
    ['with escapes', '{"\\u0024rev":"one.2.aaaaa\\u003cother.1.bbbbb","a":1.50,"b":[ 1]}'],
    [
      'twice, where the last one counts as with every name',
      '{"a":1.50,"$rev":"no.1.ccccc<0","b":[ 1],"$rev":"one.2.aaaaa<other.1.bbbbb"}',
    ],
    ['with a byte order mark', '\uFEFF{"$rev":"one.2.aaaaa<other.1.bbbbb","a":1.50,"b":[ 1]}'],
  ])('has its revision apart from the variables: %s', (_, text) => {
    const pool = decodePayload(bytesOf(text), 'any')
    expect(pool.revision).toEqual(REV)
    expect(pool.values).toEqual({ a: 1.5, b: [1] })
    expect(pool.names).toEqual(['a', 'b'])
    expect([...pool.texts]).toEqual([
      ['a', '1.50'],
      ['b', '[ 1]'],
    ])
    expect(textOf(pool.bytes)).toBe('{"a":1.50,"b":[ 1]}')
    expect(pool.copy()).toMatchObject({ revision: REV, values: { a: 1.5, b: [1] } })
  })

  it.each(['{"$rev":"one.2.aaaaa<other.1.bbbbb"}', ' { "$rev" : "one.2.aaaaa<other.1.bbbbb" } '])(
    'may have nothing but a revision: %j',
    (text) => {
      const pool = decodePayload(bytesOf(text), 'any')
      expect([pool.revision, pool.values, pool.names, textOf(pool.bytes)]).toEqual([REV, {}, [], '{}'])
    },
  )

  it('that was written with a revision twice has the last one, wherever the first is', () => {
    const pool = decodePayload(bytesOf('{"$rev":"no.1.ccccc<0","a":1,"$rev":"one.2.aaaaa<other.1.bbbbb"}'), 'any')
    expect([pool.revision, pool.values]).toEqual([REV, { a: 1 }])
  })

  it.each([
    '7',
    'null',
    '"nothing"',
    '{"id":"one.2.aaaaa"}',
    '["one.2.aaaaa<other.1.bbbbb"]',
    '"one.2.aaaaa<other.1.bbbbb',
    '"\\ud83d"',
  ])('has no revision and no variable of that name where it is no revision: %s', (value) => {
    const text = `{"$rev":${value},"a":1}`
    if (value === '"one.2.aaaaa<other.1.bbbbb')
      return void expect(() => decodePayload(bytesOf(text), 'any')).toThrow('no pool')
    const pool = decodePayload(bytesOf(text), 'any')
    expect([pool.revision, pool.values, pool.names, textOf(pool.bytes)]).toEqual([
      undefined,
      { a: 1 },
      ['a'],
      '{"a":1}',
    ])
  })

  it('may have the name deeper down: that is a value like others', () => {
    const pool = decodePayload(bytesOf('{"a":{"$rev":"one.2.aaaaa<other.1.bbbbb"}}'), 'any')
    expect([pool.revision, pool.values]).toEqual([undefined, { a: { $rev: 'one.2.aaaaa<other.1.bbbbb' } }])
  })

  it.each([
    '{"$rev":"one.2.aaaaa<other.1.bbbbb"',
    '{"$rev":"one.2.aaaaa<other.1.bbbbb",',
    '{"$rev":"one.2.aaaaa<other.1.bbbbb",}x',
    '{"$rev":"',
  ])('is none where it is cut off or goes on: %s', (text) =>
    expect(() => decodePayload(bytesOf(text), 'any')).toThrow('no pool'),
  )

  it('is read as it was written, and its bytes are left alone', () => {
    fc.assert(
      fc.property(
        revision,
        fc.dictionary(
          fc.string().filter((name) => name !== '$rev'),
          fc.jsonValue(),
        ),
        (one, values) => {
          const start = textOf(encodeRevision(one)) as string
          const members = JSON.stringify(values).slice(1)
          const text = members === '}' ? start.replace(/,$/, '}') : start + members
          const bytes = bytesOf(text)
          const pool = decodePayload(bytes, 'any')
          expect(pool.revision).toEqual(one)
          expect(pool.values).toEqual(JSON.parse(JSON.stringify(values)))
          expect(textOf(bytes)).toBe(text)
        },
      ),
    )
  })
})
