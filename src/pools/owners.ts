import {
  NO_PRESENCE,
  type OwnerKind,
  ownerOf,
  type Presence,
  presenceIn,
  type Said,
  type SaidMessage,
  saidIn,
} from '../backends/mqtt/owner/owner-topics.ts'

export type { OwnerKind }

/** What is known about the owners of pools, by name. */
export class Owners {
  readonly #said = new Map<string, Said>()
  readonly #presences = new Map<string, Presence>()

  /** A message on a topic where owners say who they are, or whether they are online. */
  received(name: string, kind: 'owner' | 'lwt', message: SaidMessage): void {
    if (kind === 'owner') this.#said.set(name, saidIn(message))
    else this.#presences.set(name, presenceIn(message))
  }

  /** Whether something of that name is online; undefined: it says nothing. */
  isOnline(name: string): boolean | undefined {
    return this.#of(name).isOnline
  }

  of(name: string): OwnerKind {
    return this.#of(name).owner.kind
  }

  #of(name: string): ReturnType<typeof ownerOf> {
    return ownerOf(this.#said.get(name), this.#presences.get(name) ?? NO_PRESENCE)
  }
}
