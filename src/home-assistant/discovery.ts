import type { JsonObject } from '../format/json.ts'
import { PersistError } from '../runtime/errors.ts'
import { type Component, componentOf, type Known, type VariableSchema } from './component.ts'
import type { HomeAssistantOptions } from './options.ts'

/** What an announcement tells of a pool. */
export interface Announced {
  /** The pool's name and topic. */
  readonly name: string
  readonly topic: string
  readonly options: HomeAssistantOptions
  /** By name of the variable, where the program's schema describes it. */
  readonly schemas: { readonly [name: string]: VariableSchema }
}

/** Entities by their key in the message, `<platform>_<variable>`. */
export type Components = { readonly [key: string]: Component }

/** The origin of announcements: the integration withdraws only those that have it. */
export const ORIGIN = 'persist-mqtt'

/** What an owner says of itself, and the broker of an owner that is lost; a message that deletes that has no JSON. */
const AVAILABILITY = "{{ 'online' if value_json is defined and value_json.online else 'offline' }}"

/** `<prefix>/device/<object id>/config`. */
export function discoveryTopic({ name, topic, options }: Announced): string {
  return `${options.discoveryPrefix ?? 'homeassistant'}/device/${objectId(name, topic)}/config`
}

/**
 * The entities of these variables.
 *
 * @param held the announced entities: a variable that is null for a while stays what it was
 * @param refused is called with the error of a variable that Home Assistant would refuse, which is left out
 */
export function componentsOf(
  { name, topic, options, schemas }: Announced,
  variables: JsonObject,
  held: Components = {},
  refused: (error: PersistError) => void = () => {},
): Components {
  const chosen = options.variables
  const names = chosen ? Object.keys(chosen) : [...new Set([...Object.keys(variables), ...Object.keys(schemas)])]
  const id = objectId(name, topic)
  const found: [string, Component][] = []
  for (const variable of names) {
    const choice = chosen?.[variable]
    // Names with $ are the store's own.
    if (choice === false || (chosen === undefined && variable.startsWith('$'))) continue
    const component = attempted({
      name: variable,
      value: Object.hasOwn(variables, variable) ? variables[variable] : undefined,
      chosen: typeof choice === 'object' ? choice : {},
      schema: Object.hasOwn(schemas, variable) ? (schemas[variable] as VariableSchema) : {},
      commandTopic: `${topic}/set`,
    })
    const own = slug(variable)
    if (component instanceof PersistError) {
      refused(component)
      continue
    }
    if (component === undefined) {
      const kept = Object.entries(held).filter(([key, { platform }]) => key === `${platform}_${own}`)
      if (variables[variable] === null) found.push(...kept)
      continue
    }
    // A variable of another type is another entity: under the old key, Home Assistant would keep the old one.
    found.push([`${component.platform}_${own}`, { unique_id: `${id}_${own}`, ...component }])
  }
  return Object.fromEntries(found)
}

function attempted(known: Known): Component | PersistError | undefined {
  try {
    return componentOf(known)
  } catch (error) {
    return error as PersistError
  }
}

/** The message that announces components; one with nothing but its platform is withdrawn. */
export function discoveryMessage({ name, topic, options }: Announced, components: object): string {
  return JSON.stringify({
    device: { identifiers: [objectId(name, topic)], name, ...options.device },
    origin: { name: ORIGIN },
    state_topic: topic,
    availability_topic: `${topic}/owner`,
    availability_template: AVAILABILITY,
    qos: 1,
    components,
  })
}

/** What an earlier message of this integration announces; nothing where another origin wrote it. */
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

/** Unique for each pool, in the characters that Home Assistant allows in a topic. */
function objectId(name: string, topic: string): string {
  return `persist_${slug(topic === `stat/${name}/PersistMQTT` ? name : topic)}`
}

/** Writes all but letters, digits and _ as its code point, so that two names never become one. */
function slug(text: string): string {
  return text.replace(/[^a-zA-Z0-9_]/gu, (char) => `-${char.codePointAt(0)?.toString(16)}-`)
}
