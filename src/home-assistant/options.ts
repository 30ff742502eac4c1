import { isMap } from '../format/json.ts'
import { optionError } from '../runtime/errors.ts'
import { choiceFault } from './faults.ts'

/** How a variable is shown in Home Assistant; what is not listed goes into its configuration as it is (`icon`, `device_class`…). */
export interface HomeAssistantVariable {
  /** The kind of entity. @default by the value, the schema and `writable` */
  platform?: HomeAssistantPlatform | undefined
  /** May Home Assistant change it? @default true for booleans, texts with `options` and numbers with bounds */
  writable?: boolean | undefined
  /** What it is called in Home Assistant. @default the variable's name, or its title in the schema */
  name?: string | undefined
  /** Of a number: `°C`. @default none */
  unit_of_measurement?: string | undefined
  /** The least value of a number, or length of a text. @default from the schema */
  min?: number | undefined
  /** The greatest value of a number, or length of a text. @default from the schema */
  max?: number | undefined
  /** Of a number; Home Assistant takes none under 0.001. @default from the schema */
  step?: number | undefined
  /** The texts that it can be. @default from the schema */
  options?: readonly string[] | undefined
  /** Any other option of the entity: `icon`, `device_class`… */
  [option: string]: unknown
}

export type HomeAssistantPlatform = 'sensor' | 'binary_sensor' | 'switch' | 'number' | 'select' | 'text'

/** What a store announces to Home Assistant by MQTT device discovery. */
export interface HomeAssistantOptions {
  /** As in the settings of Home Assistant's MQTT integration. @default homeassistant */
  discoveryPrefix?: string | undefined
  /** Of the device: `name`, `manufacturer`, `model`, `suggested_area`… @default its name is the pool's */
  device?: { readonly [option: string]: unknown } | undefined
  /** Which variables, and how. @default all that are booleans, numbers or texts */
  variables?: { readonly [name: string]: boolean | HomeAssistantVariable } | undefined
}

/** What Home Assistant knows of a device; it refuses an announcement with anything else. */
const DEVICE_KEYS = [
  'configuration_url',
  'connections',
  'hw_version',
  'identifiers',
  'manufacturer',
  'model',
  'model_id',
  'name',
  'serial_number',
  'suggested_area',
  'sw_version',
  'via_device',
]

const PLATFORMS = ['sensor', 'binary_sensor', 'switch', 'number', 'select', 'text']

/** @throws {PersistError} ERR_PERSIST_OPTION, naming the variable where it is about one */
export function checkHomeAssistantOptions(value: unknown): asserts value is HomeAssistantOptions {
  const fault = faultOf(value)
  if (fault !== undefined) throw optionError('integrations', `homeAssistant(): ${fault}`)
}

function faultOf(value: unknown): string | undefined {
  if (!isMap(value)) return 'its options are { discoveryPrefix, device, variables }'
  const { discoveryPrefix = 'homeassistant', device = {}, variables = {}, ...others } = value as HomeAssistantOptions
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) return `there is no option ${unknown}, only discoveryPrefix, device and variables`
  // A topic without wildcards: MQTT 5, 4.7.1 and [MQTT-3.3.2-2].
  if (typeof discoveryPrefix !== 'string' || !/^[^+#\0]+$/.test(discoveryPrefix))
    return 'discoveryPrefix must be a topic'
  if (!isMap(device)) return 'device must be a map'
  const key = Object.keys(device).find((each) => !DEVICE_KEYS.includes(each))
  if (key !== undefined) return `Home Assistant knows no ${key} of a device, only ${DEVICE_KEYS.join(', ')}`
  if (!isMap(variables)) return 'variables must be a map'
  for (const [name, choice] of Object.entries(variables)) {
    const what = typeof choice === 'boolean' ? undefined : faultOfChoice(choice)
    if (what !== undefined) return `the variable ${JSON.stringify(name)} ${what}`
  }
  return undefined
}

function faultOfChoice(choice: unknown): string | undefined {
  if (!isMap(choice)) return 'must be true, false, or what is to be said of it'
  const { platform } = choice as HomeAssistantVariable
  if (platform === undefined || PLATFORMS.includes(platform)) return choiceFault(choice, platform)
  return `has the platform ${JSON.stringify(platform)}; it must be one of ${PLATFORMS.join(', ')}`
}
