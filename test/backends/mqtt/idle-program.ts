import { mqttBackend } from '../../../src/backends/mqtt.ts'

// Opens, maybe writes, and has nothing more to do: it has to end by itself.
const [, , url = '', topic = '', text = ''] = process.argv
const told: string[] = []
const backend = mqttBackend({ url, topic })
const listener = {
  changed: () => told.push('changed'),
  offline: () => told.push('offline'),
  online: () => told.push('online'),
  trouble: () => told.push('trouble'),
}
backend.open(listener, 5000).then(
  async ({ bytes }) => {
    if (text !== '') await backend.write(new TextEncoder().encode(text), 5000)
    console.log(`open ${bytes?.length ?? 'empty'}`)
  },
  (error: unknown) => console.log(String(error)),
)
process.on('exit', () => console.log(`end ${told.join()}`))
