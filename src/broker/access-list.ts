import { PersistError } from '../runtime/errors.ts'

interface Rule {
  /** Undefined: of every user. */
  readonly user: string | undefined
  readonly reads: boolean
  readonly writes: boolean
  /** A topic filter, split at its slashes; %u is the user's name. */
  readonly levels: readonly string[]
}

const USER = '%u'

/**
 * What each user may read and write: lines as in the access lists of Mosquitto. What no line allows is refused.
 *
 *     pattern read stat/+/PersistMQTT
 *     user ann
 *     topic readwrite stat/garage/#
 */
export class AccessList {
  readonly #rules: readonly Rule[]

  private constructor(rules: readonly Rule[]) {
    this.#rules = rules
  }

  /**
   * Reads lines `user NAME`, `topic [read|write|readwrite] FILTER` (of that user) and `pattern [read|write|readwrite]
   * FILTER` (of every user; %u is the name); empty lines and comments, which begin with #, are skipped.
   *
   * @param file its name, for messages
   * @throws {PersistError} ERR_PERSIST_FAILED
   */
  static read(text: string, file: string): AccessList {
    const rules: Rule[] = []
    let user: string | undefined
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      if (line.trim() === '' || line.startsWith('#')) continue
      const wrong = (why: string) =>
        new PersistError('ERR_PERSIST_FAILED', `${file}, line ${index + 1}: ${why}`, { store: file })
      const [, word, rest = ''] = /^(user|topic|pattern) +(.*\S)\s*$/.exec(line) ?? []
      if (word === undefined)
        throw wrong(
          'it must be user NAME, topic ACCESS FILTER or pattern ACCESS FILTER, and ACCESS read, write or readwrite.',
        )
      if (word === 'user') {
        user = rest
        continue
      }
      const [, access = 'readwrite', filter = ''] = /^(?:(read|write|readwrite|deny) +)?(.*)$/.exec(rest) ?? []
      if (access === 'deny') throw wrong('there is no deny: what no line allows is refused.')
      const levels = filter.split('/')
      if (!isFilter(levels)) throw wrong(`${filter} is no topic filter (MQTT 3.1.1, 4.7).`)
      if (word === 'topic' && user === undefined)
        throw wrong('a topic line belongs to the user line before it; for every user it is pattern.')
      rules.push({
        user: word === 'topic' ? user : undefined,
        reads: access !== 'write',
        writes: access !== 'read',
        levels,
      })
    }
    return new AccessList(rules)
  }

  mayRead(user: string, topic: string): boolean {
    return this.#allows(user, topic, ({ reads }) => reads, matches)
  }

  mayWrite(user: string, topic: string): boolean {
    return this.#allows(user, topic, ({ writes }) => writes, matches)
  }

  /** May this user read anything that a subscription to this filter brings? */
  maySubscribe(user: string, filter: string): boolean {
    return this.#allows(user, filter, ({ reads }) => reads, overlap)
  }

  #allows(
    user: string,
    topic: string,
    isSo: (rule: Rule) => boolean,
    fits: (levels: readonly string[], topic: readonly string[]) => boolean,
  ): boolean {
    const levels = topic.split('/')
    return this.#rules.some((rule) => {
      if (!isSo(rule) || (rule.user ?? user) !== user) return false
      const own = levelsFor(user, rule)
      return own !== undefined && fits(own, levels)
    })
  }
}

/** Undefined: a name with wildcards in it would allow too much. */
function levelsFor(user: string, { user: of, levels }: Rule): readonly string[] | undefined {
  if (of !== undefined || !levels.some((level) => level.includes(USER))) return levels
  if (/[+#]/.test(user)) return undefined
  return levels.flatMap((level) => level.replaceAll(USER, () => user).split('/'))
}

/** [MQTT-4.7.1-2], [MQTT-4.7.1-3] */
function isFilter(levels: readonly string[]): boolean {
  if (levels.join('/') === '') return false
  return levels.every((level, index) =>
    level.includes('#') ? level === '#' && index === levels.length - 1 : level === '+' || !level.includes('+'),
  )
}

function matches(filter: readonly string[], topic: readonly string[]): boolean {
  // [MQTT-4.7.2-1]
  if (topic[0]?.startsWith('$') && (filter[0] === '#' || filter[0] === '+')) return false
  for (const [index, level] of filter.entries()) {
    if (level === '#') return true
    if (topic[index] === undefined || (level !== '+' && level !== topic[index])) return false
  }
  return filter.length === topic.length
}

/** Is there a topic that both filters match? */
function overlap(one: readonly string[], other: readonly string[]): boolean {
  const [first, second] = [one[0], other[0]]
  // It stands for no level as well (4.7.1.2).
  if (first === '#' || second === '#') return true
  if (first === undefined || second === undefined) return first === second
  return (first === '+' || second === '+' || first === second) && overlap(one.slice(1), other.slice(1))
}
