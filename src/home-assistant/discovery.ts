import type { JsonObject } from '../format/json.ts'
import { type Component, componentOf, type VariableSchema } from './component.ts'
import type { HomeAssistantOptions } from './options.ts'

/** What is announced of a pool. */
export interface Announced {
  /** Name of the pool. */
  readonly name: string
  /** Of the pool. */
  readonly topic: string
  readonly options: HomeAssistantOptions
  /** By name, where there is a schema that says it. */
  readonly schemas: { readonly [name: string]: VariableSchema }
}

/** By their key in the message: platform and variable. */
export type Components = { readonly [key: string]: Component }

/** Who announces: only what has this name in it is ever taken back. */
export const ORIGIN = 'persist-mqtt'

/** Where it is announced: `<prefix>/device/<object id>/config`. */
export function discoveryTopic({ name, topic, options }: Announced): string {
  return `${options.discoveryPrefix ?? 'homeassistant'}/device/${objectId(name, topic)}/config`
}

/**
 * The entities that these variables are.
 *
 * @param held what is announced now: a variable that is null for a while stays what it was
 */
export function componentsOf(
  { name, topic, options, schemas }: Announced,
  variables: JsonObject,
  held: Components = {},
): Components {
  const chosen = options.variables
  const names = chosen ? Object.keys(chosen) : [...new Set([...Object.keys(variables), ...Object.keys(schemas)])]
  const id = objectId(name, topic)
  const found: [string, Component][] = []
  for (const variable of names) {
    const choice = chosen?.[variable]
    // What begins with $ is the store's own.
    if (choice === false || (chosen === undefined && variable.startsWith('$'))) continue
    const component = componentOf({
      name: variable,
      value: Object.hasOwn(variables, variable) ? variables[variable] : undefined,
      chosen: typeof choice === 'object' ? choice : {},
      schema: Object.hasOwn(schemas, variable) ? (schemas[variable] as VariableSchema) : {},
      commandTopic: `${topic}/set`,
    })
    const own = slug(variable)
    if (component === undefined) {
      const kept = Object.entries(held).filter(([key, { platform }]) => key === `${platform}_${own}`)
      if (variables[variable] === null) found.push(...kept)
      continue
    }
    // A variable that becomes something else is another entity; Home Assistant would keep the old one otherwise.
    found.push([`${component.platform}_${own}`, { unique_id: `${id}_${own}`, ...component }])
  }
  return Object.fromEntries(found)
}

/** The message that announces them; those that are withdrawn have nothing but their platform. */
export function discoveryMessage({ name, topic, options }: Announced, components: object): string {
  return JSON.stringify({
    device: { identifiers: [objectId(name, topic)], name, ...options.device },
    origin: { name: ORIGIN },
    state_topic: topic,
    availability_topic: `tele/${name}/LWT`,
    payload_available: 'Online',
    payload_not_available: 'Offline',
    qos: 1,
    components,
  })
}

/** What an earlier message of ours announces; nothing where it is not ours. */
export function announcedIn(message: string): Components {
  try {
    const { origin, components } = JSON.parse(message)
    if (origin?.name !== ORIGIN) return {}
    const entries = Object.entries(components as Record<string, { platform?: unknown }>)
    return Object.fromEntries(entries.filter(([, { platform }]) => typeof platform === 'string')) as never
  } catch {
    return {}
  }
}

/** A name of its own for each pool, in the characters that Home Assistant takes in a topic. */
function objectId(name: string, topic: string): string {
  return `persist_${slug(topic === `stat/${name}/PersistMQTT` ? name : topic)}`
}

/** Letters, digits and _ as they are, anything else as its code: two names never become one. */
function slug(text: string): string {
  return text.replace(/[^a-zA-Z0-9_]/gu, (char) => `-${char.codePointAt(0)?.toString(16)}-`)
}
