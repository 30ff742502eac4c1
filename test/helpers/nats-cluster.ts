import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programs } from './available.ts'
import { freePort } from './free-port.ts'
import type { RunningBroker } from './running-broker.ts'
import { startServer } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { waitFor } from './wait.ts'

export type NatsNode = Omit<RunningBroker, 'restart'> & { start(): Promise<void> }

export interface NatsCluster {
  readonly nodes: readonly NatsNode[]
  stop(): Promise<void>
}

/** Starts three real NATS servers that keep retained messages together, three times, in JetStream. */
export async function startNatsCluster(): Promise<NatsCluster> {
  const command = programs['nats-server']
  if (command === undefined) throw new Error('nats-server is not on the PATH')
  const ports = [await freePort(), await freePort(), await freePort()]
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ')
  const nodes = await Promise.all(
    ports.map(async (clusterPort, index) => {
      const directory = temporaryDirectory()
      const file = join(directory, 'nats.conf')
      const server = await startServer((port) => {
        const lines = [
          `server_name: node${index}`,
          'listen: "127.0.0.1:-1"',
          `jetstream { store_dir: "${join(directory, 'jetstream')}" }`,
          `cluster { name: test, listen: "127.0.0.1:${clusterPort}", routes: [${routes}] }`,
          `mqtt { listen: "127.0.0.1:${port}" }`,
          '',
        ]
        writeFileSync(file, lines.join('\n'))
        return { command, args: ['-c', file], port, limitMs: 30_000 }
      })
      // A node that was killed may find that it is no leader yet, and answers when it has one again.
      return { ...server, url: `mqtt://127.0.0.1:${server.port}`, start: server.restart }
    }),
  )
  await waitFor(() => nodes.some((node) => /JetStream cluster new metadata leader/.test(node.log())), {
    what: 'the cluster to have a leader',
    limitMs: 30_000,
  })
  return {
    nodes,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.kill()))
    },
  }
}
