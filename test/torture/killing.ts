import { setTimeout as pause } from 'node:timers/promises'
import type { Node, TorturedBroker } from './brokers.ts'
import type { Owner } from './owner.ts'
import type { Fault, KillKind } from './schedule.ts'

export interface KillingHost {
  readonly broker: TorturedBroker
  readonly owner: Owner
  /** Which nodes are down now. */
  readonly down: Set<Node>
  /** Owner and broker may be gone at the same moment: what was confirmed is kept by the broker alone. */
  readonly mayMeet: boolean
  onBrokerKilled(): void
  /** Resolves with true when the owner is linked and everything is saved, with false when that takes too long. */
  atRest(): Promise<boolean>
}

/**
 * Ends brokers and owners as a crash does (SIGKILL), and starts them again.
 *
 * A broker that loses things when it is killed gets them again from its owner: so there is always one of the two, unless
 * 'kill-both' asks for it.
 */
export class Killing {
  readonly #host: KillingHost
  #brokers: Promise<unknown> = Promise.resolve()
  #owners: Promise<unknown> = Promise.resolve()

  constructor(host: KillingHost) {
    this.#host = host
  }

  /** Resolves with whether it was done, when it is over. */
  do(fault: Pick<Fault & { kind: KillKind }, 'kind' | 'node' | 'forMs'>): Promise<boolean> {
    const { mayMeet } = this.#host
    if (fault.kind === 'kill-both') return this.#afterAll(() => this.#killBoth(fault.forMs))
    if (fault.kind === 'kill-owner') {
      const kill = () => this.#killOwner(fault.forMs)
      return mayMeet ? this.#afterOwners(kill) : this.#afterAll(kill)
    }
    const kill = () => this.#killNode(fault.node, fault.forMs)
    return mayMeet ? this.#afterBrokers(kill) : this.#afterAll(kill)
  }

  /** Ends every node, and starts it again. */
  async restartBroker(): Promise<void> {
    for (const node of this.#host.broker.nodes.keys()) await this.do({ kind: 'kill-broker', node, forMs: 0 })
  }

  #afterBrokers<T>(kill: () => Promise<T>): Promise<T> {
    const done = this.#brokers.then(kill)
    this.#brokers = done
    return done
  }

  #afterOwners<T>(kill: () => Promise<T>): Promise<T> {
    const done = this.#owners.then(kill)
    this.#owners = done
    return done
  }

  #afterAll<T>(kill: () => Promise<T>): Promise<T> {
    return this.#afterBrokers(() => this.#afterOwners(kill))
  }

  async #killNode(index: number, forMs: number): Promise<boolean> {
    const { broker, mayMeet, atRest, down } = this.#host
    const node = broker.nodes[index % broker.nodes.length] as Node
    if (!mayMeet && !(await atRest())) return false
    down.add(node)
    await node.kill()
    this.#host.onBrokerKilled()
    await pause(forMs)
    await node.start()
    down.delete(node)
    // One at a time: the next one may go when this one has all again.
    if (!mayMeet || broker.nodes.length > 1) await atRest()
    return true
  }

  async #killOwner(forMs: number): Promise<boolean> {
    const { owner } = this.#host
    await owner.kill()
    await pause(forMs)
    owner.start()
    await owner.up()
    return true
  }

  async #killBoth(forMs: number): Promise<boolean> {
    const { broker, owner } = this.#host
    await Promise.all([owner.kill(), ...broker.nodes.map((node) => node.kill())])
    await pause(forMs)
    await Promise.all(broker.nodes.map((node) => node.start()))
    owner.start()
    await owner.up()
    return true
  }
}
