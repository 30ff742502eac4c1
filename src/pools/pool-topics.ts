import { lwtTopicOf, nameInLwtTopic, ownerTopicOf } from '../backends/mqtt/owner/owner-topics.ts'
import { NAME_PLACE, nameLevels, unfitForName, unfitForTopic } from '../format/topic.ts'
import { PersistError } from '../runtime/errors.ts'

/** The topics of all pools on a broker, from a template such as `stat/{name}/PersistMQTT`. */
export class PoolTopics {
  /** So many levels a name may have, and so many are listed. */
  readonly levels: number
  readonly #template: string
  readonly #before: string
  /** What comes after the name. */
  readonly #ends: readonly (readonly [kind: 'pool' | 'owner', end: string])[]

  /** @throws {PersistError} ERR_PERSIST_OPTION where the template's `{name}` is not a whole level of it */
  constructor(template: string) {
    this.#template = template
    const [before = '', after, ...more] = template.split(NAME_PLACE)
    const isLevel = (before === '' || before.endsWith('/')) && (after === '' || after?.startsWith('/'))
    if (!isLevel || more.length > 0 || unfitForTopic(template) !== undefined) {
      const text = `Option topic: to find pools it must have ${NAME_PLACE} as one of its levels, like stat/${NAME_PLACE}/PersistMQTT.`
      throw new PersistError('ERR_PERSIST_OPTION', text, { received: 'topic' })
    }
    this.#before = before
    const end = after ?? ''
    // The longer one first: where nothing follows the name, every topic ends like a pool's.
    this.#ends = [
      ['owner', ownerTopicOf(end)],
      ['pool', end],
    ]
    this.levels = nameLevels(template)
  }

  /** The topic of a pool. */
  of(name: string): string {
    return this.#template.replace(NAME_PLACE, () => name)
  }

  /** The topic for fences, messages to ourselves: below a pool of a name that is reserved for them. */
  get fence(): string {
    return `${this.of('persist-mqtt')}/fence`
  }

  /**
   * The topic filters of these pools, or all: of the pools, of their owners, and of whether those are online.
   *
   * @param levels of names, where all are asked for
   * @throws {PersistError} ERR_PERSIST_OPTION
   */
  filters(names?: readonly string[], levels: number = this.levels): string[] {
    for (const name of names ?? []) assertName(name)
    const patterns = names ?? Array.from({ length: levels }, (_, index) => `+${'/+'.repeat(index)}`)
    return patterns.flatMap((name) => [this.of(name), ownerTopicOf(this.of(name)), lwtTopicOf(name)])
  }

  /** Is it one of the filters for names of several levels, which have none of the other pools? */
  isForLevels(filter: string): boolean {
    return filter.includes('+') && !this.filters(undefined, 1).includes(filter)
  }

  /**
   * Can a pool get this name?
   *
   * @throws {PersistError} ERR_PERSIST_OPTION
   */
  assertNew(name: string): void {
    const unfit = unfitForName(name, this.#template)
    if (unfit !== undefined) throw nameError(`No pool can get the name ${JSON.stringify(name)}: ${unfit}.`)
  }

  /** Which pool a topic belongs to, and what its messages are; undefined: none. */
  parse(topic: string): { readonly name: string; readonly kind: 'pool' | 'owner' | 'lwt' } | undefined {
    const { length } = this.#before
    if (topic.startsWith(this.#before)) {
      const rest = topic.slice(length)
      for (const [kind, end] of this.#ends) {
        if (rest.length > end.length && rest.endsWith(end))
          return { name: rest.slice(0, -end.length || undefined), kind }
      }
    }
    const name = nameInLwtTopic(topic)
    return name === undefined ? undefined : { name, kind: 'lwt' }
  }
}

/**
 * Can there be a pool of this name? Blanks around it are no reason to say no: it may be there, and has to be removed.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION
 */
export function assertName(name: string): void {
  const unfit = name === '' ? 'it is empty' : unfitForTopic(name)
  if (unfit !== undefined) throw nameError(`No pool has the name ${JSON.stringify(name)}: ${unfit}.`)
}

function nameError(text: string): PersistError {
  return new PersistError('ERR_PERSIST_OPTION', text, { received: 'name' })
}
