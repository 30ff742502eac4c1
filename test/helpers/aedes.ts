import { Aedes, type AedesOptions } from 'aedes'
import { type Listener, listenTcp, listenWebSocket } from '../../src/broker/listener.ts'
import type { RunningBroker } from './running-broker.ts'

export interface AedesServer extends RunningBroker {
  /** For MQTT over WebSocket: `ws://127.0.0.1:…`. */
  readonly webSocketUrl: string
  /** Aedes itself, for its events; another one after `restart()`. */
  aedes(): Aedes
}

/** Starts plain Aedes in this process, which keeps all in memory; `options` are its own (`authenticate` and so on). */
export async function startAedes(options: AedesOptions = {}): Promise<AedesServer> {
  const lines: string[] = []
  let port = 0
  let webSocketPort = 0
  let aedes: Aedes
  let listeners: Listener[] = []

  const start = async () => {
    aedes = await Aedes.createBroker(options)
    aedes.on('client', (client) => lines.push(`client ${client.id}`))
    aedes.on('clientDisconnect', (client) => lines.push(`disconnected ${client.id}`))
    aedes.on('clientError', (client, error) => lines.push(`error ${client.id}: ${error.message}`))
    aedes.on('publish', (packet) => lines.push(`publish ${packet.topic}`))
    const tcp = await listenTcp(aedes, { host: '127.0.0.1', port, portFallback: false })
    const webSocket = await listenWebSocket(aedes, { host: '127.0.0.1', port: webSocketPort, portFallback: false })
    listeners = [tcp, webSocket]
    port = tcp.port
    webSocketPort = webSocket.port
  }
  // The connections first, as a process that dies would do it: clients hear nothing more, and no DISCONNECT.
  const kill = async () => {
    const stopped = listeners.map((listener) => listener.stop())
    for (const listener of listeners) listener.disconnect()
    listeners = []
    await Promise.all(stopped)
    await new Promise<void>((resolve) => aedes.close(resolve))
  }

  await start()
  return {
    url: `mqtt://127.0.0.1:${port}`,
    webSocketUrl: `ws://127.0.0.1:${webSocketPort}`,
    port,
    aedes: () => aedes,
    log: () => lines.join('\n'),
    kill,
    restart: async () => {
      await kill()
      await start()
    },
    stop: kill,
  }
}
