import { lwtTopicOf, nameInLwtTopic, ownerTopicOf } from '../backends/mqtt/owner/owner-topics.ts'
import { PersistError } from '../runtime/errors.ts'

/** Stands for the name of a pool in a template. */
const PLACE = '{name}'

/** The topics of all pools on a broker, from a template such as `stat/{name}/PersistMQTT`. */
export class PoolTopics {
  readonly #template: string
  readonly #before: string
  /** What comes after the name. */
  readonly #ends: readonly (readonly [kind: 'pool' | 'owner', end: string])[]

  /** @throws {PersistError} ERR_PERSIST_OPTION where the template's `{name}` is not a whole level of it */
  constructor(template: string) {
    this.#template = template
    const [before = '', after, ...more] = template.split(PLACE)
    const isLevel = (before === '' || before.endsWith('/')) && (after === '' || after?.startsWith('/'))
    if (!isLevel || more.length > 0 || /[+#\0]/.test(template)) {
      const text = `Option topic: to find pools it must have ${PLACE} as one of its levels, like stat/${PLACE}/PersistMQTT.`
      throw new PersistError('ERR_PERSIST_OPTION', text, { received: 'topic' })
    }
    this.#before = before
    const end = after ?? ''
    this.#ends = [
      ['pool', end],
      ['owner', ownerTopicOf(end)],
    ]
  }

  /** The topic of a pool. */
  of(name: string): string {
    return this.#template.replace(PLACE, () => name)
  }

  /** The topic for fences, messages to ourselves: below a pool of a name that is reserved for them. */
  get fence(): string {
    return `${this.of('persist-mqtt')}/fence`
  }

  /**
   * The topic filters of these pools, or all: of the pools, of their owners, and of whether those are online.
   *
   * @throws {PersistError} ERR_PERSIST_OPTION
   */
  filters(names?: readonly string[]): string[] {
    for (const name of names ?? []) assertName(name)
    return (names ?? ['+']).flatMap((name) => [this.of(name), ownerTopicOf(this.of(name)), lwtTopicOf(name)])
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

/** @throws {PersistError} ERR_PERSIST_OPTION: the name is empty, or has a wildcard or NUL in it (MQTT 3.1.1, 4.7) */
export function assertName(name: string): void {
  const bad = /[+#\0]/.exec(name)?.[0]
  if (bad === undefined && name !== '') return
  const reason = bad === undefined ? 'is empty' : `has ${JSON.stringify(bad)} in it, which no topic can have`
  throw new PersistError('ERR_PERSIST_OPTION', `The name of a pool ${reason}.`, { received: 'name' })
}
