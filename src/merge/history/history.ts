import type { Stamp } from '../../contracts/backend.ts'
import { Lineage } from './lineage.ts'
import { type Age, type Change, OwnTexts } from './own-texts.ts'
import { PayloadHistory, type PayloadKind } from './payload-history.ts'

/** A write of ours on its way. */
export interface Sent {
  readonly stamp: Stamp
  /** The payload's fingerprint. */
  readonly print: number
  /** What it is to change. */
  readonly changes: readonly Change[]
}

/** Is this text of a variable an older one of ours, and replaced a moment ago or longer? */
export type AgeOf = (name: string, text: string | undefined) => Age

/** What we wrote, and what others knew of it when they wrote: tells an old value of ours from somebody's change. */
export class History {
  readonly #payloads = new PayloadHistory()
  readonly #texts = new OwnTexts()
  readonly #lineage = new Lineage()

  /** A write goes out; whether it arrives is not known. */
  sent(bytes: Uint8Array, changes: readonly Change[]): Sent {
    for (const [name, , text] of changes) this.#texts.sent(name, text)
    return { stamp: this.#lineage.next(), print: this.#payloads.sent(bytes), changes }
  }

  /** The backend holds it; or it did, and somebody else has written over it. */
  confirmed({ stamp, print, changes }: Sent, isHeld: boolean): void {
    this.#texts.landed(changes, stamp.revision, isHeld)
    this.#lineage.written(stamp)
    this.#payloads.confirmed(print, isHeld)
  }

  /** What is held, as far as we know it already. */
  kindOf(bytes: Uint8Array): PayloadKind {
    return this.#payloads.kindOf(bytes)
  }

  /** What was sent of a variable, and may be held without our knowing. */
  inDoubt(name: string): ReadonlySet<string | undefined> {
    return this.#texts.inDoubt(name)
  }

  /** The variables of which something was sent, and may be held without our knowing. */
  namesInDoubt(): Iterable<string> {
    return this.#texts.namesInDoubt()
  }

  /** A write that was never answered has arrived; another one may be on its way over it. */
  arrived(): void {
    this.#texts.landed([], this.#lineage.revision, false)
  }

  /** Something else is held now of a variable than this text was, and the store has taken that. */
  outlived(name: string, text: string | undefined): void {
    this.#texts.replaced(name, text, this.#lineage.revision)
  }

  /**
   * This text was held of a variable, and what the store has now is to be held next.
   *
   * Who has seen our last write has seen what it said; what it did not say yet, only who sees the next one.
   */
  outdated(name: string, text: string | undefined, now: string | undefined): void {
    const { revision } = this.#lineage
    this.#texts.replaced(name, text, this.#texts.inDoubt(name).has(now) ? revision : revision + 1)
  }

  /** Somebody has written an older text of ours again, and ours is to take its place once more. */
  isBack(name: string, text: string | undefined): void {
    this.#texts.isBack(name, text)
  }

  /** This was held when the store was opened. */
  began(bytes: Uint8Array, stamp: Stamp | undefined): void {
    this.#payloads.seen(bytes)
    this.#lineage.found(stamp)
  }

  /** The link to the backend is gone, or is back and what is held has been looked at. */
  set linked(linked: boolean) {
    this.#texts.linked = linked
  }

  /** Somebody else wrote; returns how old the texts of its variables are, if they are old ones of ours. */
  received(bytes: Uint8Array, stamp: Stamp | undefined): AgeOf {
    this.#payloads.seen(bytes)
    const known = this.#lineage.received(stamp)
    return (name, text) => this.#texts.ageOf(name, text, known)
  }
}
