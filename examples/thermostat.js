// @ts-check
// A thermostat that Home Assistant finds by itself, and that keeps its settings when it is restarted.
import { openStore } from 'persist-mqtt'
import { homeAssistant } from 'persist-mqtt/home-assistant'
import { z } from 'zod'

// What people may set, and within which bounds; Home Assistant shows it so.
const schema = z.object({
  target: z.number().min(5).max(30).multipleOf(0.5).default(20).meta({ title: 'Target temperature' }),
  mode: z.enum(['off', 'heat']).default('heat'),
  temperature: z.number().default(15),
  burning: z.boolean().default(false),
  burnedMinutes: z.number().default(0),
})

const pt = await openStore({
  name: 'example-thermostat',
  schema,
  autosave: { delayMs: 100, maxDelayMs: 1000 },
  integrations: [
    homeAssistant({
      device: { name: 'Thermostat', model: 'Example' },
      variables: {
        target: { unit_of_measurement: '°C' },
        mode: true,
        temperature: { unit_of_measurement: '°C', device_class: 'temperature' },
        burning: { writable: false, device_class: 'heat' },
      },
    }),
  ],
})

/** A second here is a minute in the house. */
function minute() {
  pt.burning = pt.mode === 'heat' && pt.temperature < pt.target
  if (pt.burning) pt.burnedMinutes += 1
  pt.temperature = Math.round((pt.temperature + (pt.burning ? 0.3 : -0.1)) * 10) / 10
}

setInterval(minute, Number(process.env.MINUTE_MS ?? 1000))
// Whoever changes it: this program, Home Assistant, `npx persist-mqtt set example-thermostat target 22`, the inspector.
pt.$on('change', ({ name, value, origin }) => {
  if (origin === 'remote') console.log(`${name} is ${JSON.stringify(value)} now`)
})
console.log(`${pt.temperature} °C, target ${pt.target} °C, ${pt.burnedMinutes} minutes burned so far. Ctrl-C ends it.`)
