import { type JsonValue, put } from '../format/json.ts'
import type { Shelf } from '../variables/shelf.ts'
import { isReservedName } from './members.ts'

/**
 * The object behind the store's proxy: a property for every variable, the store's members as its prototype.
 *
 * So `pt.counter` is a plain property read. Variables that another writer gave a reserved name are put aside; where
 * there are such, `enumerate` and `read` let a spread see them without hiding the members that they are called like.
 */
export class StoreShelf implements Shelf {
  readonly target: Record<string, JsonValue>
  readonly #aside = new Map<string, JsonValue>()
  readonly #onAside: (present: boolean) => void
  /** What an enumeration will ask for next, and the name it has just asked the descriptor of. */
  #upcoming: string[] = []
  #described: string | undefined

  /** @param onAside told whether variables with reserved names are present, when that changes */
  constructor(members: object, onAside: (present: boolean) => void) {
    this.target = Object.create(members)
    this.#onAside = onAside
  }

  put(name: string, value: JsonValue): void {
    if (isReservedName(name)) {
      this.#aside.set(name, value)
      if (this.#aside.size === 1) this.#onAside(true)
    } else {
      put(this.target, name, value)
    }
  }

  remove(name: string): void {
    if (!isReservedName(name)) delete this.target[name]
    else if (this.#aside.delete(name) && this.#aside.size === 0) this.#onAside(false)
  }

  has(name: string): boolean {
    return Object.hasOwn(this.target, name) || this.#aside.has(name)
  }

  /**
   * The names, those put aside first.
   *
   * `{ ...pt }`, `Object.assign` and `Object.entries` ask for the names, then for descriptor and value of one after the
   * other; `pt.save` asks for the value alone. That is how the variable `save` is told from the member `save`. Behind
   * the last name that was put aside comes another one, so that no descriptor of such a name is the last thing asked.
   */
  enumerate(): string[] {
    const own = Object.keys(this.target)
    this.#upcoming = [...this.#aside.keys()]
    this.#described = undefined
    return [...this.#upcoming, ...(own.length === 0 && this.#aside.size > 0 ? [NO_NAME] : own)]
  }

  describe(name: string): PropertyDescriptor | undefined {
    this.#described = this.#upcoming.shift() === name ? name : undefined
    const value = this.#aside.get(name)
    if (value === undefined) return Object.getOwnPropertyDescriptor(this.target, name)
    return { value, writable: true, enumerable: true, configurable: true }
  }

  /** Is this read a part of an enumeration, and so meant for the variable? Then its value. */
  read(name: string): JsonValue | undefined {
    const meant = name === this.#described
    this.#described = undefined
    return meant ? this.#aside.get(name) : undefined
  }
}

/** A name that is enumerated where only names put aside are there; nothing has it, so enumerations leave it out. */
const NO_NAME = '$end'
