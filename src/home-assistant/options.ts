import { isMap } from '../format/json.ts'

/** How a variable is shown in Home Assistant; what is not listed goes into its configuration as it is (`icon`, `device_class`…). */
export interface HomeAssistantVariable {
  /** @default by the value, the schema and `writable` */
  platform?: HomeAssistantPlatform | undefined
  /** May Home Assistant change it? @default true for booleans, texts with `options` and numbers with bounds */
  writable?: boolean | undefined
  /** @default the variable's name, or its title in the schema */
  name?: string | undefined
  unit_of_measurement?: string | undefined
  /** Of a number. @default from the schema */
  min?: number | undefined
  max?: number | undefined
  step?: number | undefined
  /** The texts that it can be. @default from the schema */
  options?: readonly string[] | undefined
  [option: string]: unknown
}

export type HomeAssistantPlatform = 'sensor' | 'binary_sensor' | 'switch' | 'number' | 'select' | 'text'

/** What a store announces to Home Assistant by MQTT device discovery. */
export interface HomeAssistantOptions {
  /** @default homeassistant */
  discoveryPrefix?: string | undefined
  /** Of the device: `name`, `manufacturer`, `model`, `suggested_area`… @default its name is the pool's */
  device?: { readonly [option: string]: unknown } | undefined
  /** Which variables, and how. @default all that are booleans, numbers or texts */
  variables?: { readonly [name: string]: boolean | HomeAssistantVariable } | undefined
}

export function isHomeAssistantOptions(value: unknown): value is HomeAssistantOptions {
  if (!isMap(value)) return false
  const { discoveryPrefix = 'homeassistant', device = {}, variables = {}, ...others } = value as HomeAssistantOptions
  // A topic without wildcards: MQTT 5, 4.7.1 and [MQTT-3.3.2-2].
  const isPrefix = typeof discoveryPrefix === 'string' && /^[^+#\0]+$/.test(discoveryPrefix)
  const choices = isMap(variables) ? Object.values(variables) : [undefined]
  const areChoices = choices.every((one) => typeof one === 'boolean' || (isMap(one) && isPlatform(one.platform)))
  return isPrefix && isMap(device) && areChoices && Object.keys(others).length === 0
}

const PLATFORMS = ['sensor', 'binary_sensor', 'switch', 'number', 'select', 'text']

function isPlatform(platform: unknown): boolean {
  return platform === undefined || PLATFORMS.includes(platform as string)
}
