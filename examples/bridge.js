// @ts-check
// A bridge like those for Zigbee: what a radio hears on `radio/<address>` goes out on `home/<name of the device>`.
// Names and counters outlive it. `npx persist-mqtt set example-bridge names.0x01 kitchen` names a device while it runs.
import mqtt from 'mqtt'
import { openStore } from 'persist-mqtt'

const url = process.env.MQTT_URL ?? 'mqtt://localhost:1883'

/**
 * @typedef {{ frames: number, battery: number | null, seen: string }} Device
 * @type {{ names: Record<string, string>, devices: Record<string, Device>, starts: number, frames: number }}
 */
const defaults = { names: {}, devices: {}, starts: 0, frames: 0 }

// A radio may hear a hundred frames a second: they are saved together, a second after the first one at the latest.
const pt = await openStore({ url, name: 'example-bridge', defaults, autosave: { delayMs: 200, maxDelayMs: 1000 } })
pt.starts += 1
await pt.save()

const client = await mqtt.connectAsync(url)
client.on('message', (topic, payload) => {
  const address = topic.replace('radio/', '')
  /** @type {{ temperature: number, battery?: number }} */
  const { temperature, battery } = JSON.parse(payload.toString())
  const device = pt.devices[address]
  pt.frames += 1
  pt.devices[address] = {
    frames: (device?.frames ?? 0) + 1,
    battery: battery ?? device?.battery ?? null,
    seen: new Date().toISOString(),
  }
  client.publish(`home/${pt.names[address] ?? address}`, JSON.stringify({ temperature }))
})
await client.subscribeAsync('radio/+')

// Somebody has renamed a device: the names that are used above are the new ones already.
pt.$on('change', ({ name, value, origin }) => {
  if (name === 'names' && origin === 'remote') console.log(`Names: ${JSON.stringify(value)}`)
})
console.log(`Start ${pt.starts}, ${pt.frames} frames so far. Ctrl-C ends the bridge.`)
