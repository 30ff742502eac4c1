import type { EditRequest } from '../contracts/backend.ts'
import type { StoreCore } from '../store/store.ts'

/**
 * The changes that an editor makes itself, in a store that is open while there are any.
 *
 * All that are under way share the store: several stores that write at the same moment may write over each other's changes.
 */
export class DirectEdits {
  readonly #open: () => Promise<StoreCore>
  #store: Promise<StoreCore> | undefined
  #underWay = 0
  /** The store before this one. */
  #closed: Promise<void> = Promise.resolve()

  constructor(open: () => Promise<StoreCore>) {
    this.#open = open
  }

  /**
   * Makes a change as the owner would, and resolves with the answer.
   *
   * @param assertAllowed called when the store is open, before the change
   */
  async make(request: EditRequest, assertAllowed: () => Promise<void>): Promise<Uint8Array> {
    this.#store ??= this.#closed.then(this.#open)
    const store = this.#store
    this.#underWay += 1
    try {
      const core = await store
      await assertAllowed()
      return await core.requested(request)
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) {
        this.#store = undefined
        // Closing saves until nothing is left to pass on of what other writers wrote at the same moment.
        this.#closed = store.then((core) => core.close()).catch(() => {})
        await this.#closed
      }
    }
  }
}
