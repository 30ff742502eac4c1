/** The longest state of Home Assistant, in characters. */
export const LONGEST_TEXT = 255

/** What is said of an entity, as far as Home Assistant checks it. */
interface Said {
  readonly min?: unknown
  readonly max?: unknown
  readonly step?: unknown
  readonly options?: unknown
  readonly unit_of_measurement?: unknown
  readonly state_class?: unknown
  readonly device_class?: unknown
  readonly [option: string]: unknown
}

/**
 * Why Home Assistant would refuse an entity; undefined: it would not.
 *
 * By what its MQTT integration asks of configurations: number.py, sensor.py, text.py.
 * @param platform undefined: it is not known yet, and only what all of them refuse is a fault
 */
export function choiceFault(said: Said, platform: string | undefined): string | undefined {
  const { options, min, max, step } = said
  for (const [name, value] of Object.entries({ min, max, step })) {
    if (value !== undefined && !isNumber(value)) {
      return `has the ${name} ${String(value)}, and a number entity takes numbers up to ${Number.MAX_SAFE_INTEGER}`
    }
  }
  if (platform === 'text') return textFault(said)
  if (isNumber(min) && isNumber(max) && min >= max) return `has the min ${min}, which is not less than its max ${max}`
  return options === undefined ? undefined : optionsFault(said, platform)
}

function textFault({ min = 0, max = LONGEST_TEXT }: Said): string | undefined {
  if ((max as number) > LONGEST_TEXT) return `is a text with the max ${max}, and Home Assistant takes ${LONGEST_TEXT}`
  return (min as number) > (max as number) ? `is a text with the min ${min}, more than its max ${max}` : undefined
}

function optionsFault(said: Said, platform: string | undefined): string | undefined {
  const { options, unit_of_measurement: unit, state_class: stateClass, device_class: deviceClass = 'enum' } = said
  const areTexts = Array.isArray(options) && options.length > 0 && options.every((one) => typeof one === 'string')
  if (!areTexts) return 'has options that are no list of at least one text'
  if (unit !== undefined) return `has options and the unit ${JSON.stringify(unit)}; only numbers have units`
  if (platform === 'select') return undefined
  if (stateClass !== undefined)
    return `has options and the state_class ${JSON.stringify(stateClass)}, which is for numbers`
  return deviceClass === 'enum'
    ? undefined
    : `has options and the device_class ${JSON.stringify(deviceClass)}, not enum`
}

/** Numbers beyond are no neighbours any more in the double that a number entity is. */
function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER
}
