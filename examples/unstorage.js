// @ts-check
// Notes on the broker, with unstorage: add one with `node unstorage.js <name> <text>`, and list them without arguments.
import { persistMqttDriver } from 'persist-mqtt/unstorage'
import { createStorage } from 'unstorage'

const storage = createStorage({ driver: persistMqttDriver({ name: 'example-notes' }) })

const [name, ...words] = process.argv.slice(2)
if (name !== undefined) await storage.setItem(`notes:${name}`, { text: words.join(' '), at: new Date().toISOString() })

for (const key of await storage.getKeys('notes')) {
  const note = /** @type {{ text: string, at: string } | null} */ (await storage.getItem(key))
  console.log(`${key.slice('notes:'.length)}: ${note?.text}`)
}
