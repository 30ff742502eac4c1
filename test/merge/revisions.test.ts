import { expect, it } from 'vitest'
import { NOTHING, type Revision, writeIn } from '../../src/format/revision.ts'
import { Revisions } from '../../src/merge/revisions.ts'

type Texts = Record<string, string | undefined>
interface Pool {
  readonly name: string
  readonly revision: Revision | undefined
}

/** A pool as its writer wrote it. */
const written = (name: string, base: string, owner?: string): Pool => {
  const revision = owner === undefined ? { id: name, base } : { id: name, base, owner }
  return { name, revision }
}
/** The same, changed by a plain client: it has another hash. */
const changed = ({ name, revision }: Pool, hash: string): Pool => ({ name: `${writeIn(name)}.${hash}`, revision })
const plain = (hash: string): Pool => ({ name: `.${hash}`, revision: undefined })

const FIRST = written('test.1.aaaaa', NOTHING)
const textsOf = (texts: Texts) => new Map(Object.entries(texts))

/** What a store of variables would do; `texts` is what is held of them. */
class Held {
  readonly revisions: Revisions
  texts: Texts
  #hashes = 0

  constructor(texts: Texts, { pool = FIRST, isGuest = false } = {}) {
    this.texts = texts
    this.revisions = new Revisions(isGuest)
    this.revisions.began(pool)
  }

  next(): Pool {
    const revision = this.revisions.next()
    this.#hashes += 1
    const id = `${writeIn(revision.id)}.${`${this.#hashes}`.padStart(5, '0')}`
    return { name: id, revision: { ...revision, id } }
  }

  send(texts: Texts): Pool {
    const pool = this.next()
    this.revisions.sent(pool.revision as Revision, textsOf(texts))
    return pool
  }

  write(texts: Texts, isHeld = true): Pool {
    const pool = this.send(texts)
    this.revisions.landed(pool.revision as Revision, this.#of(texts), isHeld)
    if (isHeld) this.texts = { ...this.texts, ...texts }
    return pool
  }

  take(pool: Pool, texts: Texts): void {
    this.revisions.taken(pool, this.#of(texts))
    this.texts = { ...this.texts, ...texts }
  }

  /** Which of these texts of x the writer of a pool had seen, or may have. */
  seen(pool: Pool, ...texts: (string | undefined)[]): (string | undefined)[] {
    const seen = this.revisions.seenBy(pool)
    return texts.filter((text) => seen('x', text, this.texts.x, this.texts.x))
  }

  #of(texts: Texts): ReadonlyMap<string, string | undefined> {
    return new Map(Object.keys(texts).map((name) => [name, this.texts[name]]))
  }
}

it('a write is numbered, and names what is held as its base', () => {
  const held = new Held({ x: '1' })
  const one = held.write({ x: '2' })
  const two = held.write({ x: '3' })
  expect(one.name).toMatch(/^[0-9a-f]{4}\.1\.00001$/)
  expect([one.revision?.base, two.revision?.base, two.revision?.owner]).toEqual([FIRST.name, one.name, undefined])
  held.take(changed(two, 'bbbbb'), { x: '4' })
  expect(held.revisions.next().base).toBe(`${writeIn(two.name)}.bbbbb`)
  held.take(plain('ccccc'), { x: '5' })
  expect(held.revisions.next().base).toBe('.ccccc')
  held.revisions.lost(textsOf(held.texts))
  expect(held.revisions.next().base).toBe(NOTHING)
})

it.each([
  ['longer than', 'a-long-writer.1.aaaaa', 'a-long-writer.1.aaaaa'],
  ['shorter than', NOTHING, 'abcd.1.00000'],
])('room is kept for a base that is the write before, or what is held, which is %s that', (_what, name, base) => {
  const { revisions } = new Held({}, { pool: { name, revision: undefined } })
  expect(revisions.sizeBytes).toBe(`"$rev":"abcd.1.00000<${base}",`.length)
})

it('a guest names the last write of an owner too, whoever wrote since', () => {
  const held = new Held({ x: '1' }, { isGuest: true })
  expect(held.write({ x: '2' }).revision?.owner).toBe(FIRST.name)
  held.take(written('guest.1.bbbbb', FIRST.name, FIRST.name), { x: '3' })
  expect(held.write({ x: '4' }).revision?.owner).toBe(FIRST.name)
  held.take(written('owner.1.ccccc', FIRST.name), { x: '5' })
  expect(held.write({ x: '6' }).revision?.owner).toBe('owner.1.ccccc')
})

it('a plain client has seen the pool whose revision it carries along, as it was changed last', () => {
  const held = new Held({ x: '1' })
  const two = held.write({ x: '2' })
  held.write({ x: '3' })
  expect(held.seen(changed(two, 'bbbbb'), '1', '2', '3')).toEqual(['2'])
  held.take(changed(two, 'bbbbb'), { x: '4' })
  held.write({ x: '5' })
  // A device that goes back to what it was when it loaded its pool.
  expect(held.seen(changed(two, 'ccccc'), '2', '4', '5')).toEqual(['4'])
})

it('a store has seen its base, by value, and where that has changed since it may bring back what came before', () => {
  const held = new Held({ x: '1.0' })
  expect(held.seen(written('other.1.bbbbb', FIRST.name), '1', '2')).toEqual(['1'])
  const two = held.write({ x: '2' })
  held.write({ x: '3' })
  expect(held.seen(written('other.1.bbbbb', two.name), '1', '2', '4')).toEqual(['1', '2'])
  const owner = written('other.2.bbbbb', 'other.1.bbbbb', two.name)
  expect(held.seen(owner, '1', '2', '4')).toEqual(['1', '2'])
})

it('who names nothing that is known has seen nothing; but a store will, and then write again', () => {
  const held = new Held({ x: '1' })
  expect(held.seen(plain('bbbbb'), undefined, '1', '2')).toEqual([undefined])
  expect(held.seen(changed(written('gone.1.aaaaa', 'gone.0.aaaaa'), 'bbbbb'), undefined, '1', '2')).toEqual([undefined])
  expect(held.seen(written('gone.1.aaaaa', 'gone.0.aaaaa'), undefined, '1', '2')).toEqual([undefined, '1', '2'])
  expect(held.seen(written('new.1.aaaaa', NOTHING), undefined, '1', '2')).toEqual([undefined])
})

it('what guests made of nothing, or of what a plain client wrote where nothing was, are all changes', () => {
  const held = new Held({ x: '1' })
  for (const owner of [NOTHING, '.bbbbb']) {
    expect(held.seen(written('guest.2.ccccc', 'guest.1.aaaaa', owner), undefined, '1', '2')).toEqual([undefined])
  }
  expect(held.seen(written('guest.2.ccccc', 'guest.1.aaaaa', 'gone.1.aaaaa'), '1', '2')).toEqual(['1', '2'])
  // Unless that was held before: the broker may have gone back to it.
  held.take(written('guest.3.ddddd', 'guest.2.ccccc', '.bbbbb'), { x: '3' })
  expect(held.seen(written('guest.2.ccccc', 'guest.1.aaaaa', '.bbbbb'), '1', '2')).toEqual(['1', '2'])
})

it.each([
  ['nothing has changed since: it means it', {}, false],
  ['nor is the very pool known that it was made from: it means it', { hash: 'zzzzz' }, false],
  ['this store has another value by now', { ours: '9' }, true],
  ['another value is held by now', { held: '3' }, true],
])('a store that writes an older value may have carried that along, where %s', (_what, given, isSeen) => {
  const { held: text, ours, hash } = { held: '2', ours: '2', hash: '00001', ...given }
  const held = new Held({ x: '1' })
  const two = held.write({ x: '2' })
  const seen = held.revisions.seenBy(written('other.1.bbbbb', `${writeIn(two.name)}.${hash}`))
  expect(seen('x', '1', text, ours)).toBe(isSeen)
})

it('a store that writes an older value may have carried that along, where it was there for a while since', () => {
  const held = new Held({ y: '1' })
  const two = held.write({ y: '2' })
  held.write({ z: '5' })
  held.write({ z: undefined })
  expect(held.revisions.seenBy(written('other.1.bbbbb', two.name))('z', '5', undefined, undefined)).toBe(true)
})

it('a store that writes an older value means it where the variable has been lost since', () => {
  const held = new Held({ x: '1' })
  const two = held.write({ x: '2' })
  held.revisions.lost(textsOf(held.texts))
  const seen = held.revisions.seenBy(written('other.1.bbbbb', two.name))
  expect(seen('x', '1', undefined, '2')).toBe(false)
})

it('a store that builds on a write in doubt has seen that, though a plain client has changed it since', () => {
  const held = new Held({ x: '1' })
  const sent = held.send({ x: '2' })
  held.take(changed(sent, 'bbbbb'), { x: '7' })
  expect(held.seen(written('other.1.bbbbb', sent.name), '2', '7')).toEqual(['2'])
})

it('a store that removes what has always been there means it, also where that has changed since', () => {
  const held = new Held({ x: '1', y: '1' })
  const two = held.write({ y: '2' })
  held.write({ x: '3' })
  expect(held.seen(written('other.1.bbbbb', two.name), undefined, '1')).toEqual(['1'])
})

it('who found nothing has seen nothing, though there was a time when this store had nothing either', () => {
  const held = new Held({}, { pool: { name: NOTHING, revision: undefined } })
  held.write({ x: '1' })
  held.write({ x: '2' })
  expect(held.seen(written('new.1.aaaaa', NOTHING), undefined, '1', '2')).toEqual([undefined])
})

it('a store that began with a pool without a revision that is not known has seen nothing either', () => {
  const held = new Held({ x: '1' }, { pool: plain('aaaaa') })
  expect(held.seen(written('other.1.bbbbb', '.zzzzz'), undefined, '1', '2')).toEqual([undefined, '1', '2'])
})

it('a pool without a revision follows the one before as long as no other was held', () => {
  const held = new Held({ x: '1' }, { pool: plain('aaaaa') })
  expect(held.seen(plain('bbbbb'), undefined, '1', '2')).toEqual(['1'])
  held.write({ x: '2' })
  held.take(plain('bbbbb'), { x: '3' })
  expect(held.seen(plain('ccccc'), undefined, '1', '3')).toEqual([undefined])
})

it('a write that may be held is known as a base, whether it is held or not', () => {
  const held = new Held({ x: '1' })
  const sent = held.send({ x: '2' })
  expect([held.revisions.isSent(sent), [...held.revisions.inDoubt('x')]]).toEqual([true, ['2']])
  expect([...held.revisions.inDoubt('y')]).toEqual([])
  expect(held.seen(changed(sent, 'bbbbb'), '1', '2')).toEqual(['2'])
  expect(held.seen(written('other.3.bbbbb', sent.name), '1', '2')).toEqual(['2'])
  held.take(written('other.1.bbbbb', FIRST.name), { x: '7' })
  expect(held.seen(changed(sent, 'bbbbb'), '1', '2', '7')).toEqual(['2'])
  held.write({ x: '3' })
  expect([held.revisions.isSent(sent), [...held.revisions.namesInDoubt()]]).toEqual([false, []])
  expect(held.seen(changed(sent, 'bbbbb'), '2', '3')).toEqual(['2'])
  const over = held.write({ x: '4' }, false)
  expect([held.seen(changed(over, 'bbbbb'), '3', '4'), held.texts.x]).toEqual([['4'], '3'])
})

it('what an older pool had is known, though a write was sent since of which nobody knows', () => {
  const held = new Held({ x: '1', y: '1' })
  held.write({ x: '2' })
  held.send({ y: '5' })
  const pool = held.send({ x: '3' })
  held.revisions.landed(pool.revision as Revision, textsOf({ x: '2', y: '1' }), true)
  const seen = held.revisions.seenBy(changed(FIRST, 'bbbbb'))
  expect([seen('y', '1', '1', '1'), seen('y', '5', '1', '1')]).toEqual([true, false])
})

it('a guest whose pool was lost still names the last write of an owner that it had seen', () => {
  const held = new Held({ x: '1' }, { isGuest: true })
  held.revisions.lost(textsOf(held.texts))
  expect(held.revisions.next()).toMatchObject({ base: NOTHING, owner: FIRST.name })
})

it('a pool that was held is known again by its name', () => {
  const held = new Held({ x: '1' })
  const two = held.write({ x: '2' })
  held.take(changed(two, 'bbbbb'), { x: '3' })
  const known = (pool: Pool, text: string) => held.revisions.known(pool)?.('x', text, held.texts.x, held.texts.x)
  expect([known(FIRST, '1'), known(two, '2'), known(two, '3')]).toEqual([true, true, false])
  expect(known(changed(two, 'ccccc'), '2')).toBeUndefined()
})

it('a guest knows which writers have seen what it wrote', () => {
  const held = new Held({ x: '1' }, { isGuest: true })
  expect(held.revisions.hasSeenOurs(written('other.1.bbbbb', FIRST.name))).toBe(false)
  const ours = held.write({ x: '2' })
  expect(held.revisions.hasSeenOurs(written('other.1.bbbbb', FIRST.name))).toBe(false)
  expect(held.revisions.hasSeenOurs(written('other.1.bbbbb', ours.name))).toBe(true)
  held.write({ x: '2.5' })
  held.write({ x: '2' })
  expect(held.revisions.hasSeenOurs(written('other.1.bbbbb', ours.name))).toBe(true)
  const other = written('other.1.bbbbb', ours.name)
  held.take(other, { x: '3' })
  expect(held.revisions.hasSeenOurs(written('third.1.ccccc', other.name))).toBe(true)
  expect(held.revisions.hasSeenOurs(written('third.1.ccccc', FIRST.name))).toBe(false)
  held.take(plain('ddddd'), { x: '4' })
  expect(held.revisions.hasSeenOurs(written('third.1.ccccc', '.ddddd'))).toBe(true)
  expect(held.revisions.hasSeenOurs(written('third.1.ccccc', '.eeeee'))).toBe(false)
  // Somebody went back to it; who names it may have read it before.
  held.take(FIRST, { x: '1' })
  held.take(plain('fffff'), { x: '5' })
  expect(held.revisions.hasSeenOurs(written('third.1.ccccc', FIRST.name))).toBe(false)
  const inDoubt = held.send({ x: '6' })
  expect(held.revisions.hasSeenOurs(written('third.1.ccccc', inDoubt.name))).toBe(true)
})

it('what is remembered stays within a million characters, and the newest is kept', () => {
  const large = 'x'.repeat(100_000)
  const held = new Held({ x: '0' })
  const all = Array.from({ length: 100 }, (_, number) => held.write({ x: `"${number}${large}"` }))
  const known = all.filter((pool) => held.revisions.known(pool) !== undefined)
  expect(known).toEqual(all.slice(-known.length))
  // The last one is held itself.
  expect(known.length - 1).toBeGreaterThanOrEqual(4)
  expect(known.length - 1).toBeLessThanOrEqual(10)
  expect(held.revisions.hasSeenOurs(written('other.1.bbbbb', known[0]?.name ?? ''))).toBe(true)
  const failed = Array.from({ length: 100 }, (_, number) => held.send({ y: `"${number}${large}"` }))
  const inDoubt = failed.filter((pool) => held.revisions.isSent(pool))
  expect(inDoubt).toEqual(failed.slice(-inDoubt.length))
  expect(inDoubt.length).toBeGreaterThan(4)
  expect(inDoubt.length).toBeLessThan(10)
  // The last one always is.
  const last = held.send({ y: large.repeat(20) })
  expect([...failed, last].filter((pool) => held.revisions.isSent(pool))).toEqual([last])
  // Also where somebody else's pool is held by now.
  held.take(written('third.1.ccccc', NOTHING), { x: '1' })
  expect(held.revisions.hasSeenOurs(written('other.1.bbbbb', known.at(-1)?.name ?? ''))).toBe(true)
})
