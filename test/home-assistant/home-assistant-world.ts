import nunjucks from 'nunjucks'
import { expect } from 'vitest'
import { parseJson } from '../../src/format/parse-json.ts'
import type { JsonObject } from '../../src/index.ts'

/** One entity of a discovery message. */
export interface Entity {
  readonly platform: string
  readonly unique_id?: string
  readonly value_template?: string
  readonly command_topic?: string
  readonly command_template?: string
  readonly payload_on?: string
  readonly payload_off?: string
  readonly [option: string]: unknown
}

/** What Home Assistant requires of each platform, beside `platform` and `unique_id`. */
const REQUIRED: Record<string, readonly string[]> = {
  sensor: [],
  binary_sensor: [],
  switch: ['command_topic'],
  number: ['command_topic'],
  select: ['command_topic', 'options'],
  text: ['command_topic'],
}

const jinja = new nunjucks.Environment(null, { autoescape: false, throwOnUndefined: false })
// Jinja's own is called so; nunjucks has it as `dump`.
jinja.addFilter('tojson', (value) => JSON.stringify(value))

/** Takes a discovery message as Home Assistant does, and returns its entities; fails where it would refuse it. */
export function discovered(message: string): Record<string, Entity> {
  const { device, origin, components, ...shared } = JSON.parse(message)
  expect(device.identifiers.length + (device.connections?.length ?? 0)).toBeGreaterThan(0)
  expect(origin.name).toEqual(expect.any(String))
  const allowed = ['state_topic', 'command_topic', 'qos', 'encoding', 'availability_topic', 'availability_template']
  expect(allowed).toEqual(expect.arrayContaining(Object.keys(shared)))
  for (const entity of Object.values(components) as Entity[]) {
    expect(Object.keys(REQUIRED)).toContain(entity.platform)
    // With nothing but its platform it is withdrawn.
    if (Object.keys(entity).length === 1) continue
    expect(entity.unique_id).toEqual(expect.any(String))
    for (const option of REQUIRED[entity.platform] ?? []) expect(entity).toHaveProperty(option)
    if (typeof entity.min === 'number') expect(entity.min).toBeLessThan(entity.max as number)
    // Since 2024.9.
    if (entity.platform === 'sensor' && entity.options !== undefined) expect(entity.device_class).toBe('enum')
    if (entity.platform === 'number') expect(entity.step).toBeGreaterThanOrEqual(0.001)
    for (const template of [entity.value_template, entity.command_template]) {
      if (template !== undefined) nunjucks.compile(template, jinja)
    }
  }
  return components
}

/** What Home Assistant would show; value_json is not there where the payload is no JSON. */
export function shown({ value_template }: Entity, payload: string): string {
  let context: object = { value: payload }
  try {
    context = { value: payload, value_json: parseJson(payload) }
  } catch {}
  return jinja.renderString(value_template ?? '{{ value }}', context)
}

/** The payload that Home Assistant would send when somebody sets the entity there. */
export function commanded({ platform, command_template, payload_on, payload_off }: Entity, value: unknown): string {
  if (platform === 'switch') return (value ? payload_on : payload_off) ?? ''
  return jinja.renderString(command_template ?? '{{ value }}', { value })
}

export function poolWith(pool: JsonObject): string {
  return JSON.stringify(pool)
}
