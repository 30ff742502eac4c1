import type { JsonValue } from '../format/json.ts'
import type { HomeAssistantPlatform, HomeAssistantVariable } from './options.ts'
import { booleanTemplate, commandTemplate, valueTemplate } from './templates.ts'

/** What this integration uses of the JSON Schema of a variable. */
export interface VariableSchema {
  readonly type?: unknown
  readonly title?: unknown
  readonly enum?: unknown
  readonly minimum?: unknown
  readonly maximum?: unknown
  readonly multipleOf?: unknown
  readonly maxLength?: unknown
}

/** The announcement of one entity. */
export interface Component {
  readonly platform: HomeAssistantPlatform
  readonly [option: string]: unknown
}

export interface Known {
  readonly name: string
  readonly value: JsonValue | undefined
  readonly chosen: HomeAssistantVariable
  readonly schema: VariableSchema
  readonly commandTopic: string
}

/** The longest state of Home Assistant, in characters. */
const LONGEST_TEXT = 255
/** The bound of numbers without bounds: Home Assistant's default is 1 to 100. */
const WIDEST = 1e9
/** The smallest step that Home Assistant takes. */
const SMALLEST_STEP = 0.001

/** The announcement of a variable; undefined for a list, a map, or a variable of unknown type. */
export function componentOf(known: Known): Component | undefined {
  const { chosen, schema, name } = known
  const platform = chosen.platform ?? platformOf(known)
  if (platform === undefined) return undefined
  const title = typeof schema.title === 'string' ? schema.title : name
  // settingsOf() has the step, no smaller than Home Assistant takes.
  const { writable: _, step: __, ...own } = chosen
  return defined({ platform, name: title, ...settingsOf(platform, known), ...own }) as unknown as Component
}

function platformOf({ value, chosen, schema }: Known): HomeAssistantPlatform | undefined {
  const type = value === undefined || value === null ? schema.type : typeof value
  const isWritable = (isClosed: boolean) => chosen.writable ?? isClosed
  switch (type) {
    case 'boolean':
      return isWritable(true) ? 'switch' : 'binary_sensor'
    case 'number':
    case 'integer':
      return isWritable(min(chosen, schema) !== undefined && max(chosen, schema) !== undefined) ? 'number' : 'sensor'
    case 'string':
      if (!isWritable(options(chosen, schema) !== undefined)) return 'sensor'
      return options(chosen, schema) === undefined ? 'text' : 'select'
    default:
      return undefined
  }
}

function settingsOf(platform: HomeAssistantPlatform, { name, value, chosen, schema, commandTopic }: Known): object {
  const read = { value_template: valueTemplate(name) }
  const written = { ...read, command_topic: commandTopic, command_template: commandTemplate(name) }
  switch (platform) {
    case 'sensor':
      // Home Assistant refuses options of a sensor of another class.
      return chosen.options === undefined ? read : { ...read, device_class: 'enum' }
    case 'binary_sensor':
      return { value_template: booleanTemplate(name), payload_on: 'ON', payload_off: 'OFF' }
    case 'switch':
      return {
        value_template: booleanTemplate(name),
        state_on: 'ON',
        state_off: 'OFF',
        command_topic: commandTopic,
        payload_on: JSON.stringify(patch(name, true)),
        payload_off: JSON.stringify(patch(name, false)),
      }
    case 'number': {
      const isWhole = schema.type === 'integer' || (schema.type === undefined && Number.isInteger(value))
      const step = chosen.step ?? number(schema.multipleOf) ?? (isWhole ? 1 : SMALLEST_STEP)
      const bounds = { min: min(chosen, schema) ?? -WIDEST, max: max(chosen, schema) ?? WIDEST }
      return { ...written, ...bounds, step: Math.max(step, SMALLEST_STEP), mode: 'box' }
    }
    case 'select':
      return { ...written, options: options(chosen, schema) ?? [] }
    case 'text':
      return { ...written, max: Math.min(number(schema.maxLength) ?? LONGEST_TEXT, LONGEST_TEXT) }
  }
}

function min({ min }: HomeAssistantVariable, { minimum }: VariableSchema): number | undefined {
  return min ?? number(minimum)
}

function max({ max }: HomeAssistantVariable, { maximum }: VariableSchema): number | undefined {
  return max ?? number(maximum)
}

function options({ options }: HomeAssistantVariable, schema: VariableSchema): readonly string[] | undefined {
  if (options !== undefined) return options
  const isList = Array.isArray(schema.enum) && schema.enum.every((one) => typeof one === 'string')
  return isList ? (schema.enum as string[]) : undefined
}

function number(value: unknown): number | undefined {
  // A schema of integers, as zod makes it, has the safe integers as bounds, which are none.
  const isOfUse = typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER
  return isOfUse ? value : undefined
}

/** A merge patch; fromEntries makes a property of any name. */
function patch(name: string, value: boolean): object {
  return Object.fromEntries([[name, value]])
}

function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
