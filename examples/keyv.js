// @ts-check
// Asks for a forecast once an hour, however often it is started: what it was told is kept on the broker, with Keyv.
import Keyv from 'keyv'
import { KeyvPersistMqtt } from 'persist-mqtt/keyv'

const HOUR_MS = 3_600_000

const cache = new Keyv({ store: new KeyvPersistMqtt({ name: 'example-cache' }) })
// Without this, Keyv says nothing about errors.
cache.on('error', (error) => console.error(error))

/** @param {string} place */
async function forecast(place) {
  const kept = await cache.get(place)
  if (kept !== undefined) return `${kept} (kept)`
  const fresh = `${place}: ${Math.round(15 + 10 * Math.random())} °C`
  await cache.set(place, fresh, HOUR_MS)
  return fresh
}

console.log(await forecast(process.argv[2] ?? 'Berlin'))
