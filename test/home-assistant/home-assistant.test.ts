import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { JsonObject } from '../../src/format/json.ts'
import { componentsOf, discoveryMessage, discoveryTopic } from '../../src/home-assistant/discovery.ts'
import { homeAssistant } from '../../src/home-assistant/home-assistant.ts'
import type { HomeAssistantOptions } from '../../src/home-assistant/options.ts'
import { schemasIn } from '../../src/home-assistant/schemas.ts'
import { readRequest } from '../../src/merge/merge-patch.ts'
import { atOnce } from '../../src/runtime/slices.ts'
import { commanded, discovered, type Entity, shown } from './home-assistant-world.ts'

const pool: JsonObject = {
  heating: true,
  target: 21.5,
  counter: 3,
  mode: 'eco',
  note: null,
  list: [1],
  rooms: { kitchen: 1 },
  $version: 2,
}

function announced(variables: JsonObject, options: HomeAssistantOptions = {}, schemas = {}) {
  const facts = { name: 'heating', topic: 'stat/heating/PersistMQTT', options, schemas }
  return discovered(discoveryMessage(facts, componentsOf(facts, variables)))
}

function platforms(entities: Record<string, Entity>): Record<string, string> {
  return Object.fromEntries(Object.values(entities).map(({ name, platform }) => [name, platform]))
}

test('all booleans, numbers and texts are announced; what has known values can be changed', () => {
  expect(platforms(announced(pool))).toEqual({ heating: 'switch', target: 'sensor', counter: 'sensor', mode: 'sensor' })
})

test('the variables that are chosen are announced, as the option says', () => {
  const entities = announced(pool, {
    variables: {
      heating: { writable: false, device_class: 'heat', name: 'Burner' },
      target: { min: 5, max: 30, step: 0.5, unit_of_measurement: '°C' },
      counter: { writable: true },
      mode: { options: ['eco', 'warm'] },
      note: true,
      rooms: { platform: 'sensor', value_template: '{{ value_json.rooms.kitchen }}' },
      absent: { platform: 'text' },
      list: false,
    },
  })
  expect(platforms(entities)).toEqual({
    Burner: 'binary_sensor',
    target: 'number',
    counter: 'number',
    mode: 'select',
    rooms: 'sensor',
    absent: 'text',
  })
  expect(entities.binary_sensor_heating).toMatchObject({ device_class: 'heat', unique_id: 'persist_heating_heating' })
  expect(entities.number_target).toMatchObject({ min: 5, max: 30, step: 0.5, unit_of_measurement: '°C' })
  expect(entities.number_counter).toMatchObject({ min: -1e9, max: 1e9, step: 1 })
  expect(shown(entities.sensor_rooms as Entity, JSON.stringify(pool))).toBe('1')
})

test('a schema tells bounds, steps, options, titles, and of variables that are not there yet', () => {
  const schema = z.object({
    target: z.number().min(5).max(30).multipleOf(0.5).meta({ title: 'Target temperature' }),
    count: z.int(),
    mode: z.enum(['eco', 'warm']).optional(),
    motto: z.string().max(20),
  })
  const { properties } = schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' }) as { properties: object }
  const entities = announced({ count: 3 }, {}, properties)
  expect(platforms(entities)).toEqual({
    'Target temperature': 'number',
    count: 'sensor',
    mode: 'select',
    motto: 'sensor',
  })
  expect(entities.number_target).toMatchObject({ min: 5, max: 30, step: 0.5 })
  expect(entities.select_mode).toMatchObject({ options: ['eco', 'warm'] })
})

test('a nullable schema tells the same as one that is not', () => {
  const schema = z.object({ target: z.number().min(5).max(30).nullable(), mode: z.enum(['eco', 'warm']).nullable() })
  expect(schemasIn(schema)).toMatchObject({
    target: { type: 'number', minimum: 5, maximum: 30 },
    mode: { type: 'string', enum: ['eco', 'warm'] },
  })
})

test('values that cannot be chosen are still known, and steps are none that are too small', () => {
  const entities = announced(
    { fan: 'low', n: 1 },
    { variables: { fan: { options: ['low', 'high'], writable: false }, n: { min: 0, max: 1, step: 0.0001 } } },
  )
  expect(entities.sensor_fan).toMatchObject({ options: ['low', 'high'], device_class: 'enum' })
  expect(entities.number_n).toMatchObject({ step: 0.001 })
})

test.each([
  [{ device: { modell: 'x' } as object }, /no modell of a device, only .*model, /],
  [{ variables: { t: { min: 5, max: 5 } } }, /"t" has the min 5, which is not less than its max 5/],
  [{ variables: { t: { min: Number.NEGATIVE_INFINITY, max: 5 } } }, /"t" has the min -Infinity/],
  [{ variables: { t: { max: 2 ** 60 } } }, /"t" has the max 1152921504606847000, and a number entity takes/],
  [{ variables: { mode: { options: [] } } }, /"mode" has options that are no list of at least one text/],
  [{ variables: { mode: { options: ['a'], unit_of_measurement: '°C' } } }, /"mode" has options and the unit "°C"/],
  [{ variables: { mode: { options: ['a'], state_class: 'total' } } }, /"mode" has options and the state_class/],
  [{ variables: { mode: { options: ['a'], device_class: 'gas' } } }, /"mode" has options and the device_class "gas"/],
  [{ variables: { note: { platform: 'text', max: 256 } } }, /"note" is a text with the max 256/],
  [{ variables: { note: { platform: 'text', min: 20, max: 10 } } }, /"note" is a text with the min 20/],
  [{ variables: { note: { platform: 'light' } } }, /"note" has the platform "light"; it must be one of/],
  [{ prefix: 'x' }, /there is no option prefix/],
])('%j is refused, as Home Assistant would do, with its name', (options, text) => {
  const error = expect.objectContaining({ code: 'ERR_PERSIST_OPTION', message: expect.stringMatching(text) })
  expect(() => homeAssistant(options as HomeAssistantOptions)).toThrow(error)
})

test('a variable of which its value tells that Home Assistant would refuse it is left out, and named', () => {
  const facts = { name: 'heating', topic: 'stat/heating/PersistMQTT', schemas: {} }
  const options = { variables: { motto: { writable: true, max: 300 }, on: true } }
  const errors: string[] = []
  const variables = { motto: 'x', on: true }
  const components = componentsOf({ ...facts, options }, variables, {}, ({ message }) => errors.push(message))
  expect(Object.keys(components)).toEqual(['switch_on'])
  expect(errors).toEqual([expect.stringContaining('"motto" is a text with the max 300, and Home Assistant takes 255')])
  // A schema with one value only is no range that it would take.
  const one = { count: { type: 'number', minimum: 5, maximum: 5 } }
  expect(platforms(announced({ count: 5 }, {}, one))).toEqual({ count: 'sensor' })
})

test('each pool has a topic of its own, in the characters that are allowed there', () => {
  const topics = ['a b', 'a-b', 'a_b', 'ü', 'a/b'].map((name) =>
    discoveryTopic({ name, topic: `stat/${name}/PersistMQTT`, options: {}, schemas: {} }),
  )
  expect(new Set(topics).size).toBe(5)
  for (const topic of topics) expect(topic).toMatch(/^homeassistant\/device\/[a-zA-Z0-9_-]+\/config$/)
})

test('a variable that is not there, or null, is shown as not known', () => {
  const entities = announced(pool)
  for (const entity of Object.values(entities)) {
    for (const payload of ['{}', '"a fence of an opening store"', '[]', '5', 'no JSON', '']) {
      // A sensor of any text would show "None".
      expect(shown(entity, payload)).toBe(entity.platform === 'sensor' ? 'unknown' : 'None')
    }
  }
  const typed = announced({ n: 1, t: '' }, { variables: { n: { unit_of_measurement: '°C' }, t: { writable: true } } })
  expect(shown(typed.sensor_n as Entity, '{"n":null}')).toBe('None')
  expect(shown(typed.text_t as Entity, '{"t":null}')).toBe('unknown')
  expect(shown(entities.sensor_counter as Entity, '{"counter":0}')).toBe('0')
  expect(shown(entities.switch_heating as Entity, '{"heating":false}')).toBe('OFF')
  expect(shown(entities.switch_heating as Entity, '{"heating":null}')).toBe('None')
})

// Not __proto__: nunjucks makes objects of JavaScript of Jinja's dictionaries.
const hostile = fc.oneof(
  fc.string({ minLength: 1, unit: 'binary' }).filter((name) => name !== '__proto__'),
  fc.constantFrom("it's", '"', '\\', "\\'", '{{ x }}', '{% raw %}', '{# c #}', '}}', '%}', 'constructor', 'a\nb', 'ü°'),
)

test('whatever a variable is called and set to there, is what it is then, and shown so', () => {
  const value = fc.oneof(
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }).map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.string({ maxLength: 50 }),
  )
  fc.assert(
    fc.property(hostile, value, hostile, (name, wanted, other) => {
      const before = Object.fromEntries<never>([
        [other, 'x'],
        [name, typeof wanted === 'boolean' ? !wanted : wanted],
      ] as never)
      const variables = { [name]: { writable: true, name: 'it' } }
      const options = Object.fromEntries([['variables', Object.fromEntries(Object.entries(variables))]])
      const [entity] = Object.values(announced(before, options)).filter((one) => one.name === 'it')
      const sent = commanded(entity as Entity, wanted)
      const asked = atOnce(readRequest('patch', new TextEncoder().encode(sent), 'test'))
      expect([...asked]).toEqual([[name, wanted]])
      const after = JSON.stringify(Object.fromEntries<unknown>([...Object.entries(before), [name, wanted]]))
      const expected = typeof wanted === 'boolean' ? (wanted ? 'ON' : 'OFF') : String(wanted)
      expect(shown(entity as Entity, after)).toBe(expected)
    }),
    { numRuns: 2000 },
  )
})
