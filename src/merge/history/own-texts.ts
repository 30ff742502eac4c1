import { Recent } from './recent.ts'

/**
 * How long a value that we have replaced is taken for an old one where its writer does not say what it knew, in ms; and
 * twice as long as our own writes take, since who writes on a slow link has seen less.
 */
const YOUNG_MS = 5000
/** What takes longer than this, in milliseconds, was kept by something else than a slow link. */
const SLOWEST_MS = 15_000
/** How much is remembered, in characters: a counter's values of an hour, or the last few of something large. */
const KEPT_CHARACTERS = 1_000_000
/** What an entry takes besides its text, in characters: without it, a counter's would take 20 MB. */
const ENTRY_CHARACTERS = 100

/**
 * So often an old value is taken for old. Whoever goes on writing it means it, or takes ours for old in the same way: two
 * stores that do not know of each other would never end.
 */
const TIMES_BACK = 100

interface Replaced {
  readonly at: number
  /** Our write that replaced it. */
  readonly revision: number
  /** How often it was written again although ours had been held in its place. */
  readonly timesBack: number
  /** Our last write that was held when that was counted. */
  readonly countedAt: number
}

/** How old a text of ours is: replaced a moment ago, or longer, or none of ours that we know. */
export type Age = 'young' | 'aged' | 'unknown'

/** A variable in a write of ours: what was held before, and what that write says. */
export type Change = readonly [name: string, before: string | undefined, text: string | undefined]

/**
 * The JSON texts of variables that we wrote over, or sent and do not know the fate of.
 *
 * Somebody who writes one of those has not seen what came after: that is no change of theirs, and must not undo ours.
 */
export class OwnTexts {
  readonly #replaced = new Recent<string, Replaced>(KEPT_CHARACTERS)
  /** By name. */
  readonly #inDoubt = new Map<string, Set<string | undefined>>()
  #linkLostAt: number | undefined
  /** Our last write that was held. */
  #held = 0
  /** When the write was sent that is to be confirmed next. */
  #sentAt: number | undefined
  /** How long writes have taken of late, in milliseconds. */
  #slownessMs = 0

  /** It is on its way. */
  sent(name: string, text: string | undefined): void {
    this.#sentAt ??= performance.now()
    const texts = this.#inDoubt.get(name)
    if (texts === undefined) this.#inDoubt.set(name, new Set([text]))
    else texts.add(text)
  }

  /** The variables with such texts. */
  namesInDoubt(): Iterable<string> {
    return this.#inDoubt.keys()
  }

  /** What was sent of a variable, and may be held without our knowing. */
  inDoubt(name: string): ReadonlySet<string | undefined> {
    return this.#inDoubt.get(name) ?? NONE
  }

  /**
   * The backend holds a write of ours: whatever was sent before that has been written over, or will never be there.
   *
   * @param isHeld false: somebody else has written over it already
   */
  landed(changes: Iterable<Change>, revision: number, isHeld: boolean): void {
    if (isHeld) this.#held = revision
    const tookMs = performance.now() - (this.#sentAt ?? performance.now())
    this.#slownessMs = Math.max(Math.min(tookMs, SLOWEST_MS), this.#slownessMs / 2)
    this.#sentAt = undefined
    for (const [name, before, text] of changes) {
      this.#inDoubt.get(name)?.delete(text)
      if (before !== text) this.replaced(name, before, revision)
      // It was held for a moment; what takes its place is what we write next.
      if (!isHeld) this.replaced(name, text, revision + 1)
    }
    for (const [name, sent] of this.#inDoubt) for (const text of sent) this.replaced(name, text, revision)
    this.#inDoubt.clear()
  }

  /** The backend held this text of a variable (undefined: it was not there), and ours is another one by now. */
  replaced(name: string, text: string | undefined, revision: number): void {
    const at = performance.now()
    const key = keyOf(name, text)
    const before = this.#replaced.get(key)
    const isNew = before === undefined || at - before.at >= this.#youngMs
    const { timesBack, countedAt } = isNew ? { timesBack: 0, countedAt: 0 } : before
    this.#replaced.set(key, { at, revision, timesBack, countedAt }, key.length + ENTRY_CHARACTERS)
  }

  get #youngMs(): number {
    return YOUNG_MS + 2 * this.#slownessMs
  }

  /** An old text was written again, and ours is to take its place once more. */
  isBack(name: string, text: string | undefined): void {
    const key = keyOf(name, text)
    const replaced = this.#replaced.get(key)
    // Who writes it again before ours was there cannot have seen ours.
    if (replaced === undefined || replaced.countedAt === this.#held) return
    const back = { ...replaced, timesBack: replaced.timesBack + 1, countedAt: this.#held }
    this.#replaced.set(key, back, key.length + ENTRY_CHARACTERS)
  }

  /**
   * Is this text an old one of ours, and not somebody's change?
   *
   * 'young' is; 'aged' may be either. Where its writer says what it knew there is no doubt; where not, time decides, and
   * the limit is documented: a value that young can be brought back by an editor only (docs/guarantees.md).
   * @param known the last revision of ours that its writer had seen; undefined: it does not say
   */
  ageOf(name: string, text: string | undefined, known: number | undefined): Age {
    if (this.#inDoubt.get(name)?.has(text)) return 'young'
    const replaced = this.#replaced.get(keyOf(name, text))
    if (replaced === undefined) return 'unknown'
    if (known !== undefined) return replaced.revision > known ? 'young' : 'unknown'
    if (replaced.timesBack >= TIMES_BACK) return 'unknown'
    // While the link is gone nobody can know better: a broker that was killed comes back with what it had on disk.
    return (this.#linkLostAt ?? performance.now()) - replaced.at < this.#youngMs ? 'young' : 'aged'
  }

  /** The link is gone, or is back and what is held has been looked at. */
  set linked(linked: boolean) {
    this.#linkLostAt = linked ? undefined : (this.#linkLostAt ?? performance.now())
    this.#sentAt = undefined
  }
}

const NONE: ReadonlySet<string | undefined> = new Set()

/** The length keeps a name that ends like a text from being taken for another variable. */
function keyOf(name: string, text = ''): string {
  return `${name.length}:${name}${text}`
}
