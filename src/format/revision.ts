import { fingerprint } from './fingerprint.ts'

/**
 * The member of a pool that says which write it is, and what its writer had seen: docs/protocol.md. Whoever reads a pool,
 * changes it and writes it as a whole carries it along without knowing it.
 */
export const REVISION_NAME = '$rev'

/** The revision of a place that holds nothing. */
export const NOTHING = '0'

const HASH_DIGITS = 5
/** In the place of a hash that is not known yet. */
const NO_HASH = '0'.repeat(HASH_DIGITS)

/**
 * Which write of whom a pool is. Each part is the name of a pool, `<writer>.<number>.<hash of the variables>`, or
 * {@link NOTHING}; of a pool that no store has written, `.<hash>`.
 */
export interface Revision {
  readonly id: string
  /** The pool that this one was built on. */
  readonly base: string
  /**
   * Of a guest, who writes a pool that it does not own: the last pool of an owner that is in this one. An owner that was away
   * knows none of the guests' pools that this one was built on, but it knows its own.
   */
  readonly owner?: string
}

const NAME = /^(?:[\w-]{1,16}\.\d{1,16})?\.[\da-z]{5}$/
const isName = (text: string) => text === NOTHING || NAME.test(text)

/** `<id><<base>`, and of a guest `<id><<base><<owner>`. */
export function printRevision({ id, base, owner }: Revision): string {
  return owner === undefined ? `${id}<${base}` : `${id}<${base}<${owner}`
}

/** Undefined: it is no revision. */
export function revisionIn(value: unknown): Revision | undefined {
  if (typeof value !== 'string') return undefined
  const [id = '', base = '', owner, ...rest] = value.split('<')
  if (rest.length > 0 || ![id, base, owner ?? NOTHING].every(isName)) return undefined
  return owner === undefined ? { id, base } : { id, base, owner }
}

/**
 * The name of a pool, whoever has written it: a plain client that carries `$rev` along and changes a variable makes another
 * pool of it, with another hash.
 *
 * @param members the bytes of the pool between its braces, without `$rev`
 */
export function nameOf(revision: Revision | undefined, members: Uint8Array): string {
  return `${writeIn(revision?.id ?? '')}.${hashOf(members)}`
}

/** The part of a name without the hash: which write of whom; empty where no store has written it. */
export function writeIn(name: string): string {
  return name.slice(0, Math.max(0, name.length - 1 - HASH_DIGITS))
}

/** Five digits to the base of 36; nobody looks for collisions, and it needs no defence against that. */
function hashOf(bytes: Uint8Array): string {
  const print = fingerprint(bytes) % 36 ** HASH_DIGITS
  return print.toString(36).padStart(HASH_DIGITS, '0')
}

/** A revision whose hash is not known yet, as a name has it. */
export function unhashed(write: string): string {
  return `${write}.${NO_HASH}`
}

/**
 * The revision of a guest's write, without its hash.
 *
 * @param write which one it is of whom, `<writer>.<number>`
 * @param held the pool whose place it takes; undefined: there is none
 */
export function guestRevision(
  write: string,
  held: { readonly name: string; readonly revision?: Revision | undefined } | undefined,
): Revision {
  const base = held?.name ?? NOTHING
  return { id: unhashed(write), base, owner: held?.revision?.owner ?? base }
}
