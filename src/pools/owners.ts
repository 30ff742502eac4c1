import { type OwnerKind, onlineIn, ownerOf, type Said, saidIn } from '../backends/mqtt/owner/owner-topics.ts'

export type { OwnerKind }

/** What is known about the owners of pools, by name. */
export class Owners {
  readonly #said = new Map<string, Said>()
  readonly #online = new Map<string, boolean | undefined>()

  /** A message on a topic where owners say who they are, or whether they are online. */
  received(name: string, kind: 'owner' | 'lwt', payload: Uint8Array): void {
    if (kind === 'owner') this.#said.set(name, saidIn(payload))
    else this.#online.set(name, onlineIn(payload))
  }

  /** Whether something of that name is online; undefined: it says nothing. */
  isOnline(name: string): boolean | undefined {
    return ownerOf(this.#said.get(name), this.#online.get(name)).isOnline
  }

  of(name: string): OwnerKind {
    return ownerOf(this.#said.get(name), this.#online.get(name)).owner.kind
  }
}
