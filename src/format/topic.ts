/**
 * Why a text cannot be in the topic of a message, as the end of a sentence; undefined: it can.
 *
 * Wildcards [MQTT-3.3.2-2]; NUL and half of a surrogate pair, which is no UTF-8 [MQTT-1.5.4-1]; control characters and
 * what is no character at all, at which the other side may close the connection (MQTT 5, 1.5.4).
 */
export function unfitForTopic(text: string): string | undefined {
  const bad = /[+#]|\p{Cc}|\p{Cs}|\p{NChar}/u.exec(text)?.[0]
  if (bad === undefined) return undefined
  if (/\p{Cs}/u.test(bad)) return 'an MQTT topic cannot hold half of a surrogate pair'
  return `an MQTT topic to publish to cannot hold ${/[+#]/.test(bad) ? JSON.stringify(bad) : `the character ${codePoint(bad)}`}`
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** Stands for the name of a pool in a template. */
export const NAME_PLACE = '{name}'

/**
 * How many levels a name may have. MQTT has no wildcard for some levels in the middle of a topic (MQTT 5, 4.7.1), so whoever
 * lists pools asks for each number of levels; and NATS grants a connection no more than 63 subscriptions.
 */
const MAX_LEVELS = 4

/**
 * How many levels a name may have with this template of a topic: one where nothing follows it, since what belongs to a pool
 * is below its topic; any where the name is no part of it.
 */
export function nameLevels(template: string): number {
  if (!template.includes(NAME_PLACE)) return Number.POSITIVE_INFINITY
  return template.endsWith(NAME_PLACE) ? 1 : MAX_LEVELS
}

/**
 * Why a pool should not get this name, as the end of a sentence; undefined: nothing is wrong with it.
 *
 * @param template that of its topic
 */
export function unfitForName(name: string, template: string): string | undefined {
  if (name === '') return 'it is empty'
  // A secret kept in a file mostly ends with a line break; nobody sees it, and the pool would be another one.
  if (name.trim() !== name) return `${JSON.stringify(name)} begins or ends with a blank or a line break: remove it`
  const most = nameLevels(template)
  const levels = name.split('/').length
  if (levels > most)
    return `it has ${levels} levels, and in the topic ${template} it can have ${most}, or no listing would find it`
  return unfitForTopic(name)
}
