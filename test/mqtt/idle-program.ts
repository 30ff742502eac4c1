import { mqttBackend } from '../../src/backends/mqtt/mqtt-backend.ts'
import { RecordingListener } from '../helpers/recording-listener.ts'

// Opens a pool, writes it, and has nothing else to do then; with 'offline' only when the link is gone.
const [url = '', topic = '', then = 'end'] = process.argv.slice(2)
const backend = mqttBackend({ url, topic, protocolVersion: 'auto', tls: { rejectUnauthorized: false } })
const holds = then === 'offline' ? setInterval(() => {}, 60_000) : undefined
const listener = new RecordingListener((entry) => {
  if ('offline' in entry) clearInterval(holds)
  if ('offline' in entry || 'online' in entry) console.log(Object.keys(entry)[0])
})

async function run(): Promise<void> {
  await backend.open(listener, 2000)
  console.log(await backend.write(new TextEncoder().encode('{"a":1}'), 5000))
  if (then === 'close') await backend.close()
}

void run().catch((error) => console.log(error.code))
