import type { JournalRevisions, JournalStep } from '../contracts/journal.ts'
import type { DecodedPayload } from '../format/payload.ts'
import { NOTHING, printRevision, type Revision, unhashed, writeIn } from '../format/revision.ts'
import { randomHex } from '../runtime/random-hex.ts'
import { isSame, OlderTexts } from './older-texts.ts'
import { sizeOf, sumOf } from './step-size.ts'
import { Strays } from './strays.ts'

/** How much is remembered of what was held, in characters: a counter's values of some hours. */
const KEPT_CHARACTERS = 1_000_000

type Text = string | undefined
type Texts = ReadonlyMap<string, Text>

/** A write that may be held. */
interface Sent {
  readonly name: string
  readonly base: string
  /** What it has otherwise than what is held. */
  readonly texts: Map<string, Text>
}

/** Had a writer seen this text of a variable, or may it have? `held` is the one that is held now, `ours` the store's. */
export type Seen = (name: string, text: Text, held: Text, ours: Text) => boolean

const sawNothing: Seen = (_name, text) => text === undefined
/** What it has seen, it brings again. */
const sawOthers: Seen = (_name, _text, held) => held !== undefined

/** A pool's name and what its writer says of it. */
type Pool = Pick<DecodedPayload, 'name' | 'revision'>

/**
 * What was held of a pool, one revision after the other: what its writer had seen is the base when another writer's pool is
 * merged three-way.
 */
export class Revisions {
  readonly #writer = randomHex(2)
  readonly #isGuest: boolean
  #count = 0
  /** The name of what is held, as far as the store knows. */
  #held = NOTHING
  /** The last pool of an owner in what is held. */
  #heldOwner = NOTHING
  readonly #strays = new Strays()
  /** Pools without a revision that guests built on, and that were held: a broker may go back to an older one of theirs. */
  readonly #plainRoots = new Set<string>()
  /** Of all that was held, nothing had a revision. */
  #isPlain = true
  /** The oldest comes first. */
  #steps: JournalStep[] = []
  #characters = 0
  /** Not known to have been written over. */
  #sent: Sent[] = []

  /** @param isGuest this store writes a pool that it does not own */
  constructor(isGuest: boolean) {
    this.#isGuest = isGuest
  }

  /** The revision of the next write, without the hash of what it has. */
  next(): Revision {
    this.#count += 1
    return this.#revision(this.#count, this.#held)
  }

  /** What the revision of the next write takes of the payload at most, in bytes. */
  get sizeBytes(): number {
    const next = this.#revision(this.#count + 1, '')
    // The write under way may be the base by then.
    return `"$rev":"${printRevision(next)}",`.length + Math.max(next.id.length, this.#held.length)
  }

  /** A write goes out, with these texts in the place of what is held; whether it arrives is not known. */
  sent({ id, base }: Revision, texts: Texts): void {
    this.#sent.push({ name: id, base, texts: new Map(texts) })
    // Of many that nobody answers, the last ones are the likeliest to be held.
    while (this.#sent.length > 1 && sumOf(this.#sent.map((one) => one.texts)) > KEPT_CHARACTERS) this.#sent.shift()
  }

  /**
   * A write was held: what was sent before it is not, and will not be.
   *
   * @param held what was held before, as far as the store knew, of the variables that this write changes, or one in doubt
   * @param isHeld false: another writer's pool has taken its place already
   */
  landed(revision: Revision, held: Texts, isHeld: boolean): void {
    const sent = this.#sent
    this.#sent = []
    for (const { name, texts } of sent) {
      if (isHeld && name === revision.id) continue
      // It may have been there for a moment.
      const before = new Map(Array.from(texts.keys(), (key) => [key, held.get(key)]))
      this.#step({ from: this.#held, before })
      this.#step({ from: name, before: texts })
    }
    if (isHeld) this.#becomes({ name: revision.id, revision }, held)
  }

  /** This is held when the store is opened; a journal may know the steps to it. */
  began(pool: Pool, steps: readonly JournalStep[] = []): void {
    this.#steps = [...steps]
    this.#characters = sumOf(this.#steps.map(({ before }) => before))
    this.#isPlain = this.#steps.every(({ from }) => writeIn(from) === '')
    this.#note(pool)
  }

  /** All of it, for a journal; `heldText` tells what is held of a variable. */
  journaled(heldText: (name: string) => Text): JournalRevisions {
    const sent = this.#sent.map(({ name, texts }): JournalStep => {
      return { from: name, before: new Map(Array.from(texts.keys(), (variable) => [variable, heldText(variable)])) }
    })
    return { held: this.#held, steps: this.#steps, sent }
  }

  /** Another writer's pool is held; `before` has what was held of the variables that it changes. */
  taken(pool: Pool, before: Texts): void {
    for (const { texts } of this.#sent) for (const [name, text] of before) if (!texts.has(name)) texts.set(name, text)
    const isStray = this.isStray(pool)
    this.#becomes(pool, before)
    if (isStray) this.#strays.held(before.keys())
  }

  /** Nothing is held any more; `before` has all that was. */
  lost(before: Texts): void {
    const owner = this.#heldOwner
    this.taken({ name: NOTHING, revision: undefined }, before)
    // What this store had seen before it is still in what it writes.
    this.#heldOwner = owner
  }

  /**
   * What the writer of a pool had seen.
   *
   * A plain client has seen just the pool that it read, whose revision it carried along. A store may have merged what came
   * after its base. A plain client that names nothing that the store knows has seen nothing: all that is in its pool are its
   * changes, and what is missing there was not removed by it. A store that names something else
   * had not seen what is held: it will, and then write its changes once more. What guests made of nothing, or of what plain clients
   * wrote where nothing was, are all changes.
   */
  seenBy(pool: Pool): Seen {
    const seen = this.#seenOfKnown(pool) ?? this.#unknown(pool)
    const held = writeIn(this.#held)
    const hasSeenHeld = [pool.name, pool.revision?.base].some((name) => name !== undefined && writeIn(name) === held)
    return hasSeenHeld ? seen : (name, ...texts) => !this.#strays.isOpen(name) && seen(name, ...texts)
  }

  /** What the writer of a pool had seen that names one which the store knows. */
  #seenOfKnown({ name, revision }: Pool): Seen | undefined {
    const { base, owner } = revision ?? { base: undefined, owner: undefined }
    if (revision && this.#strays.hasCaughtUp(revision)) return this.#seenWith(this.#held)
    // Also where it is that very pool, once more: a plain client has gone back to it.
    const read = this.#textsOf(this.#lastOf(writeIn(name)))
    return read ?? (base === NOTHING ? undefined : this.#seenWith(base)) ?? this.#seenWith(owner)
  }

  /** What the writer of a pool had seen that names nothing that the store knows. */
  #unknown({ name, revision }: Pool): Seen {
    if (revision === undefined) return sawNothing
    const { id, base, owner } = revision
    const hasSeenOwner = owner === undefined ? base !== NOTHING : writeIn(owner) !== '' || this.#plainRoots.has(owner)
    const isOther = this.#isGuest || (id === name && hasSeenOwner)
    return isOther ? sawOthers : sawNothing
  }

  /** Is this store a guest, and did another store write this pool, which names nothing that the guest knows? */
  isStray(pool: Pool): boolean {
    return this.#isGuest && pool.revision?.id === pool.name && this.#seenOfKnown(pool) === undefined
  }

  /** A stray is held, and a write of this guest that is under way may land over it. */
  passed({ name, revision }: Pool): void {
    this.#strays.passed(name, revision?.base)
  }

  /** Was the writer of a pool one that had seen a write of this store? */
  hasSeenOurs({ name, revision }: Pool): boolean {
    const first = this.#steps.findIndex(({ from }) => this.#isOurs(from))
    const since = first < 0 ? this.#steps.length : first
    if (first < 0 && !this.#isOurs(this.#held)) return false
    return [name, revision?.base, revision?.owner].some(
      (one) => one !== undefined && (this.#firstOf(one) ?? -1) >= since,
    )
  }

  #isOurs(name: string): boolean {
    return writeIn(name).startsWith(`${this.#writer}.`)
  }

  /** What a pool has, where the store knows it: then it is nobody's change that it is held again. */
  known({ name }: Pool): Seen | undefined {
    return this.#textsOf(name)
  }

  /** Is it a write that may be held? */
  isSent({ name }: Pool): boolean {
    return this.#sent.some((one) => one.name === name)
  }

  /** What was sent of a variable, and may be held without the store's knowing. */
  inDoubt(name: string): ReadonlySet<Text> {
    return new Set(this.#sent.flatMap(({ texts }) => (texts.has(name) ? [texts.get(name)] : [])))
  }

  /** The variables of which something was sent that may be held. */
  namesInDoubt(): Iterable<string> {
    return new Set(this.#sent.flatMap(({ texts }) => [...texts.keys()]))
  }

  #revision(count: number, base: string): Revision {
    const revision = { id: unhashed(`${this.#writer}.${count}`), base }
    return this.#isGuest ? { ...revision, owner: this.#heldOwner } : revision
  }

  /** The name of the last pool that was made of a write, by its writer or by plain clients. */
  #lastOf(write: string): string | undefined {
    // Of pools without a revision, none can be told from others; but as long as there is no other, each follows the last.
    if (write === '') return this.#isPlain && this.#held !== NOTHING ? this.#held : undefined
    const isOne = (name: string) => writeIn(name) === write
    if (isOne(this.#held)) return this.#held
    return this.#sent.find(({ name }) => isOne(name))?.name ?? this.#steps.findLast(({ from }) => isOne(from))?.from
  }

  #textsOf(name: string | undefined): Seen | undefined {
    const others = this.#othersIn(name)
    return others && ((variable, text, held) => isSame(text, others.has(variable) ? others.get(variable) : held))
  }

  /**
   * What a store had seen that builds on a pool: that, and what came before, which it may bring back where it has gone under
   * its own write. Where nothing has changed since, it says what it means.
   */
  #seenWith(name: string | undefined): Seen | undefined {
    const base = name === undefined ? undefined : this.#nearest(name)
    const others = this.#othersIn(base)
    if (base === undefined || others === undefined) return undefined
    const textsIn = (steps: readonly JournalStep[]) => steps.map(({ before }) => before)
    const older = new OlderTexts([...textsIn(this.#steps), ...this.#sent.map(({ texts }) => texts)])
    const since = new OlderTexts(textsIn(this.#steps.slice(this.#indexOf(base) ?? this.#steps.length)))
    return (variable, text, held, ours) => {
      const before = others.has(variable) ? others.get(variable) : held
      if (isSame(text, before)) return true
      const isUnchanged = isSame(ours, before) && !since.hasOther(variable, before)
      return !isUnchanged && older.has(variable, text)
    }
  }

  /** The pool of that name, or where it is not known, as it is known otherwise: before or after plain clients changed it. */
  #nearest(name: string): string | undefined {
    if (this.#sentAs(name) !== undefined || this.#indexOf(name) !== undefined) return name
    const write = writeIn(name)
    return write === '' ? undefined : this.#lastOf(write)
  }

  /** The first step after a pool was held, as it was written or as plain clients have changed it. */
  #firstOf(name: string): number | undefined {
    const write = writeIn(name)
    const isOne = (other: string) => other === name || (write !== '' && writeIn(other) === write)
    const index = this.#steps.findIndex(({ from }) => isOne(from))
    if (index >= 0) return index
    if (isOne(this.#held)) return this.#steps.length
    const sent = this.#sent.find((one) => isOne(one.name))
    return sent && this.#indexOf(sent.base)
  }

  #sentAs(name: string): Texts | undefined {
    return this.#sent.find((one) => one.name === name)?.texts
  }

  /** What a pool has otherwise than what is held; undefined: the store does not know it. */
  #othersIn(name: string | undefined): Texts | undefined {
    if (name === undefined) return undefined
    const index = this.#indexOf(name)
    if (index === undefined) return this.#sentAs(name)
    const texts = new Map<string, Text>()
    for (const { before } of this.#steps.slice(index)) {
      for (const [variable, text] of before) if (!texts.has(variable)) texts.set(variable, text)
    }
    return texts
  }

  /** The first step after a pool was held for the last time. */
  #indexOf(name: string): number | undefined {
    if (name === this.#held) return this.#steps.length
    const index = this.#steps.findLastIndex(({ from }) => from === name)
    return index < 0 ? undefined : index
  }

  #becomes(pool: Pool, before: Texts): void {
    this.#step({ from: this.#held, before })
    this.#note(pool)
  }

  #note({ name, revision }: Pool): void {
    this.#held = name
    this.#strays.clear()
    this.#isPlain &&= revision === undefined
    this.#heldOwner = revision?.owner ?? name
    if (revision?.owner?.startsWith('.')) this.#plainRoots.add(revision.owner)
  }

  #step(step: JournalStep): void {
    this.#steps.push(step)
    this.#characters += sizeOf(step.before)
    if (this.#characters <= KEPT_CHARACTERS) return
    // Half of it at once: taking one after the other from the front of a long list is slow.
    this.#steps = this.#steps.slice(Math.ceil(this.#steps.length / 2))
    this.#plainRoots.clear()
    this.#characters = sumOf(this.#steps.map((step) => step.before))
  }
}
