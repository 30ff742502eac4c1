import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programs } from './available.ts'
import type { Certificates } from './certificates.ts'
import { freePort } from './free-port.ts'
import type { RunningBroker } from './running-broker.ts'
import { startServer } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface MosquittoOptions {
  /** Lines for its configuration, after those made from the options below. */
  config?: string[]
  /** Lines for its first listener alone, where an option is one of listeners: `max_qos 0`. */
  listenerConfig?: string[]
  /** Keeps retained messages in its directory, as `persistence true` does. */
  persistence?: boolean
  /** MQTT over WebSocket at a port of its own. */
  webSocket?: boolean
  /** TLS at both ports, with this server certificate. */
  certificates?: Certificates
  /** Only clients with a certificate of the same authority. */
  requireCertificate?: boolean
  /** User names and passwords; without them everybody is let in. */
  users?: Record<string, string>
  /** Lines of an access list: `user ann`, `topic read stat/#`. */
  acl?: string[]
}

export interface Mosquitto extends RunningBroker {
  readonly directory: string
  /** For MQTT over WebSocket, where it was asked for: `ws://127.0.0.1:…`. */
  readonly webSocketUrl: string | undefined
  pid(): number | undefined
}

/** Starts a real Mosquitto with a directory and ports of its own. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const command = programs.mosquitto
  if (command === undefined) throw new Error('mosquitto is not on the PATH')
  const directory = temporaryDirectory()
  const file = join(directory, 'mosquitto.conf')
  const tls = options.certificates !== undefined
  let webSocketPort = options.webSocket ? await freePort() : undefined
  const server = await startServer((port) => {
    if (webSocketPort === port) webSocketPort = port + 1
    writeFileSync(file, configuration(options, directory, port, webSocketPort).join('\n'))
    return { command, args: ['-c', file], port, tls }
  })
  const webSocketUrl = webSocketPort && `${tls ? 'wss' : 'ws'}://127.0.0.1:${webSocketPort}`
  return {
    ...server,
    url: `${tls ? 'mqtts' : 'mqtt'}://127.0.0.1:${server.port}`,
    webSocketUrl: webSocketUrl || undefined,
    directory,
  }
}

function configuration(options: MosquittoOptions, directory: string, port: number, webSocketPort?: number): string[] {
  const { certificates, users, acl, persistence = false, requireCertificate = false } = options
  const secured = certificates
    ? [
        `cafile ${certificates.caFile}`,
        `certfile ${certificates.server.certFile}`,
        `keyfile ${certificates.server.keyFile}`,
        `require_certificate ${requireCertificate}`,
      ]
    : []
  const lines = [
    // Started by root it would become the user "mosquitto", who may not write into our directory.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    // Its stdout would be buffered, and the log late.
    'log_dest stderr',
    'log_type all',
    `persistence ${persistence}`,
    `persistence_location ${directory}/`,
    `allow_anonymous ${users === undefined}`,
    ...(users ? [`password_file ${passwordFile(directory, users)}`] : []),
    ...(acl ? [`acl_file ${writtenFile(join(directory, 'acl'), acl)}`] : []),
    ...(options.config ?? []),
    `listener ${port} 127.0.0.1`,
    ...secured,
    ...(options.listenerConfig ?? []),
  ]
  if (webSocketPort !== undefined) lines.push(`listener ${webSocketPort} 127.0.0.1`, 'protocol websockets', ...secured)
  return [...lines, '']
}

function passwordFile(directory: string, users: Record<string, string>): string {
  const lines = Object.entries(users).map(([name, password]) => `${name}:${password}`)
  const file = writtenFile(join(directory, 'passwords'), lines)
  execFileSync('mosquitto_passwd', ['-U', file])
  return file
}

function writtenFile(file: string, lines: string[]): string {
  // Mosquitto warns of such files when others can read them.
  writeFileSync(file, [...lines, ''].join('\n'), { mode: 0o600 })
  return file
}
