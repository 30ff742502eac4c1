import { type OwnerKind, onlineIn, ownerOf, sessionIn } from '../backends/mqtt/owner/owner-topics.ts'

export type { OwnerKind }

/** What is known about the owners of pools, by name. */
export class Owners {
  readonly #sessions = new Map<string, string | undefined>()
  readonly #online = new Map<string, boolean | undefined>()

  /** A message on a topic where owners say who they are, or whether they are online. */
  received(name: string, kind: 'owner' | 'lwt', payload: Uint8Array): void {
    if (kind === 'owner') this.#sessions.set(name, sessionIn(payload))
    else this.#online.set(name, onlineIn(payload))
  }

  /** Whether something of that name says that it is online; undefined: it says nothing. */
  isOnline(name: string): boolean | undefined {
    return this.#online.get(name)
  }

  of(name: string): OwnerKind {
    return ownerOf(this.#sessions.get(name), this.#online.get(name)).kind
  }
}
