import { decodePayload } from '../../src/format/payload.ts'
import { NOTHING, nameOf, printRevision, type Revision, unhashed } from '../../src/format/revision.ts'

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** The text that bytes hold in UTF-8; null where there are none. */
export function textOf(bytes: Uint8Array | null | undefined): string | null {
  return bytes ? new TextDecoder().decode(bytes) : null
}

/** A pool's payload without its revision, which is another one each time. */
export function withoutRevision(text: string): string {
  return text.replace(/^\{"\$rev":"[^"]*",?/, '{')
}

/** A pool's payload with this revision, as a store writes it, see `asWritten()`; undefined: with none. */
export function withRevision(text: string, revision: Revision | undefined): string {
  return revision === undefined ? text : asWritten(withMember(text, revision))
}

/** What a plain client writes that had read `seen`: it carries along the revision of that. */
export function carriedAlong(seen: string | null, text: string): string {
  const revision = revisionOf(seen)
  return revision === undefined ? text : withMember(text, revision)
}

function withMember(text: string, revision: Revision): string {
  return text.replace(/^\{(?=(\}?))/, (_, end) => `{"$rev":"${printRevision(revision)}"${end === '' ? ',' : ''}`)
}

/** By the write, `one.2`: the name of what was written so last. */
const names = new Map<string, string>()

/** A pool as a store writes it, of one whose revision has names without hashes: `{"$rev":"one.2<other.1","x":1}`. */
export function asWritten(text: string): string {
  return text.replace(/^\{"\$rev":"([^"]*)"/, (_, said: string) => {
    const [write = '', ...others] = said.split('<')
    const id = nameOf({ id: unhashed(write), base: NOTHING }, membersOf(text))
    names.set(write, id)
    const known = others.map((other) => (/^[^.]+\.\d+$/.test(other) ? (names.get(other) ?? unhashed(other)) : other))
    return `{"$rev":"${[id, ...known].join('<')}"`
  })
}

/** The name of a pool that no store has written. */
export function plainName(text: string): string {
  return nameOf(undefined, membersOf(text))
}

function membersOf(text: string): Uint8Array {
  return decodePayload(bytesOf(withoutRevision(text)), 'any').bytes.subarray(1, -1)
}

/** The revision in a pool's payload; undefined: it has none. */
export function revisionOf(payload: string | null): Revision | undefined {
  return payload === null ? undefined : decodePayload(bytesOf(payload), 'any').revision
}

/** Of a pool that is composed in a test, without its hash. */
export const REVISION: Revision = { id: unhashed('test.1'), base: NOTHING }
