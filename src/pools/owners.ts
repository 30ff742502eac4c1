import { sessionIn } from '../backends/mqtt/owner/owner-watch.ts'

/** Who owns a pool, as far as the broker tells. */
export type OwnerKind =
  /** A program that uses this package: it does what editors ask for. */
  | 'program'
  /** Online under that name without saying that it owns the pool: a Tasmota device, which does not listen. */
  | 'device'
  /** Nobody, at this moment. */
  | 'none'

/** What is known about the owners of pools, by name. */
export class Ownership {
  readonly #sessions = new Map<string, string>()
  readonly #lwt = new Map<string, string>()

  /** A message on a topic where owners say who they are, or whether they are online. */
  received(name: string, kind: 'owner' | 'lwt', payload: Uint8Array): void {
    const text = payload.length > 200 ? '' : new TextDecoder().decode(payload)
    const known = kind === 'owner' ? this.#sessions : this.#lwt
    const value = kind === 'owner' ? sessionIn(text) : text
    if (value === undefined || value === '') known.delete(name)
    else known.set(name, value)
  }

  /** Whether something of that name says that it is online; undefined: nothing was ever said. */
  isOnline(name: string): boolean | undefined {
    const said = this.#lwt.get(name)
    return said === 'Online' ? true : said === 'Offline' ? false : undefined
  }

  of(name: string): OwnerKind {
    const isOnline = this.isOnline(name)
    if (this.#sessions.has(name)) return isOnline === false ? 'none' : 'program'
    return isOnline ? 'device' : 'none'
  }
}
