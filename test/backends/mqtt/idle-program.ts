import { mqttBackend } from '../../../src/backends/mqtt/mqtt-backend.ts'
import type { BackendListener } from '../../../src/contracts/backend.ts'

// Opens a pool, writes it, and has nothing else to do then; with 'offline' only when the link is gone.
const [url = '', topic = '', then = 'end'] = process.argv.slice(2)
const backend = mqttBackend({ url, topic, protocolVersion: 'auto', tls: { rejectUnauthorized: false } })
const holds = then === 'offline' ? setInterval(() => {}, 60_000) : undefined
const listener: BackendListener = {
  tell({ kind }) {
    if (kind === 'offline' || kind === 'online') console.log(kind)
    if (kind === 'offline') clearInterval(holds)
  },
  requested: async () => new Uint8Array(),
}

async function run(): Promise<void> {
  await backend.open(listener, 2000)
  console.log(await backend.write(new TextEncoder().encode('{"a":1}'), 5000))
  if (then === 'close') await backend.close()
}

void run().catch((error) => console.log(error.code))
