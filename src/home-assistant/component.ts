import type { JsonValue } from '../format/json.ts'
import { optionError } from '../runtime/errors.ts'
import { choiceFault, LONGEST_TEXT } from './faults.ts'
import type { HomeAssistantPlatform, HomeAssistantVariable } from './options.ts'
import { booleanTemplate, commandTemplate, textTemplate, valueTemplate } from './templates.ts'

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

/** The bound of numbers without bounds: Home Assistant's default is 1 to 100. */
const WIDEST = 1e9
/** With one of these a sensor takes not just any text. */
const TYPED = ['unit_of_measurement', 'device_class', 'state_class', 'suggested_display_precision']
/** The smallest step that Home Assistant takes. */
const SMALLEST_STEP = 0.001

/**
 * The announcement of a variable; undefined for a list, a map, or a variable of unknown type.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION: Home Assistant would refuse it
 */
export function componentOf(known: Known): Component | undefined {
  const { chosen, schema, name } = known
  const platform = chosen.platform ?? platformOf(known)
  if (platform === undefined) return undefined
  const title = typeof schema.title === 'string' ? schema.title : name
  // settingsOf() has the step, no smaller than Home Assistant takes.
  const { writable: _, step: __, ...own } = chosen
  const component = defined({ platform, name: title, ...settingsOf(platform, known), ...own }) as unknown as Component
  const fault = choiceFault(component, platform)
  if (fault === undefined) return component
  throw optionError('integrations', `homeAssistant(): the variable ${JSON.stringify(name)} ${fault}`)
}

function platformOf({ value, chosen, schema }: Known): HomeAssistantPlatform | undefined {
  const type = value === undefined || value === null ? schema.type : typeof value
  const isWritable = (isClosed: boolean) => chosen.writable ?? isClosed
  switch (type) {
    case 'boolean':
      return isWritable(true) ? 'switch' : 'binary_sensor'
    case 'number':
    case 'integer':
      // Not where a schema has one value only: Home Assistant refuses such bounds.
      return isWritable((min(chosen, schema) as number) < (max(chosen, schema) as number)) ? 'number' : 'sensor'
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
      if (chosen.options !== undefined) return { ...read, device_class: 'enum' }
      return TYPED.some((option) => chosen[option] !== undefined) ? read : { value_template: textTemplate(name) }
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
      return {
        ...written,
        value_template: textTemplate(name),
        max: Math.min(number(schema.maxLength) ?? LONGEST_TEXT, LONGEST_TEXT),
      }
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
