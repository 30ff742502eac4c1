import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programs } from './available.ts'
import type { RunningBroker } from './running-broker.ts'
import { startServer } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface NatsOptions {
  /** Lines for its configuration, at the end: `authorization { … }` for example. */
  config?: string[]
}

export interface Nats extends RunningBroker {
  readonly directory: string
  pid(): number | undefined
}

/** Starts a real NATS server with its MQTT listener and JetStream, where it keeps retained messages. */
export async function startNats(options: NatsOptions = {}): Promise<Nats> {
  const command = programs['nats-server']
  if (command === undefined) throw new Error('nats-server is not on the PATH')
  const directory = temporaryDirectory()
  const file = join(directory, 'nats.conf')
  const server = await startServer((port) => {
    const lines = [
      // MQTT needs JetStream, and JetStream a name.
      'server_name: test',
      'listen: "127.0.0.1:-1"',
      `jetstream { store_dir: "${join(directory, 'jetstream')}" }`,
      `mqtt { listen: "127.0.0.1:${port}" }`,
      ...(options.config ?? []),
      '',
    ]
    writeFileSync(file, lines.join('\n'))
    return { command, args: ['-c', file], port }
  })
  return { ...server, url: `mqtt://127.0.0.1:${server.port}`, directory }
}
