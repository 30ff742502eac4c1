import type { JsonValue } from '../format/json.ts'
import type { HomeAssistantPlatform, HomeAssistantVariable } from './options.ts'
import { booleanTemplate, commandTemplate, valueTemplate } from './templates.ts'

/** What a JSON Schema says of one variable, as far as it is of use here. */
export interface VariableSchema {
  readonly type?: unknown
  readonly title?: unknown
  readonly enum?: unknown
  readonly minimum?: unknown
  readonly maximum?: unknown
  readonly multipleOf?: unknown
  readonly maxLength?: unknown
}

/** One entity of a device, as it is announced. */
export interface Component {
  readonly platform: HomeAssistantPlatform
  readonly [option: string]: unknown
}

/** What is known of a variable. */
export interface Known {
  readonly name: string
  readonly value: JsonValue | undefined
  readonly chosen: HomeAssistantVariable
  readonly schema: VariableSchema
  readonly commandTopic: string
}

/** Home Assistant keeps no longer states, in characters. */
const LONGEST_TEXT = 255
/** For numbers without bounds: Home Assistant's own are 1 to 100. */
const WIDEST = 1e9
/** The smallest step that Home Assistant takes. */
const SMALLEST_STEP = 0.001

/** How a variable is announced; undefined: not at all, it is a list, a map, or nothing yet. */
export function componentOf(known: Known): Component | undefined {
  const { chosen, schema, name } = known
  const platform = chosen.platform ?? platformOf(known)
  if (platform === undefined) return undefined
  const title = typeof schema.title === 'string' ? schema.title : name
  // The step has its place in the settings, where it is none that Home Assistant refuses.
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
  const shown = { value_template: valueTemplate(name) }
  const changed = { ...shown, command_topic: commandTopic, command_template: commandTemplate(name) }
  switch (platform) {
    case 'sensor':
      // Home Assistant refuses options of any other class.
      return chosen.options === undefined ? shown : { ...shown, device_class: 'enum' }
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
      return { ...changed, ...bounds, step: Math.max(step, SMALLEST_STEP), mode: 'box' }
    }
    case 'select':
      return { ...changed, options: options(chosen, schema) ?? [] }
    case 'text':
      return { ...changed, max: Math.min(number(schema.maxLength) ?? LONGEST_TEXT, LONGEST_TEXT) }
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
  // Schemas of whole numbers have the bounds of what a double can count.
  const isOfUse = typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER
  return isOfUse ? value : undefined
}

/** As JSON has it, whatever the name is. */
function patch(name: string, value: boolean): object {
  return Object.fromEntries([[name, value]])
}

function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
