import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { atExit } from '../helpers/at-exit.ts'
import { mosquittoAvailable, natsAvailable } from '../helpers/available.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { startNats } from '../helpers/nats.ts'
import { startNatsCluster } from '../helpers/nats-cluster.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { within } from '../helpers/wait.ts'

/** One node or more that are one broker. */
export interface TorturedBroker {
  readonly nodes: readonly Node[]
  stop(): Promise<void>
}

export interface Node {
  readonly url: string
  readonly port: number
  kill(): Promise<void>
  start(): Promise<void>
}

export interface BrokerKind {
  readonly title: string
  readonly isInstalled: boolean
  readonly protocolVersion: 4 | 5
  /** What it has acknowledged is there after a kill: its owner may be killed at the same moment. */
  readonly isDurable: boolean
  /** All see the messages of a topic in one order, the last of which is the one that is kept. */
  readonly hasOneOrder: boolean
  /** It keeps nothing at all when it is killed. */
  readonly isForgetful: boolean
  /** How long owner and broker may differ when all is quiet, in ms. */
  readonly differMs: number
  /** `program` is the embedded broker's. */
  start(program: string): Promise<TorturedBroker>
}

const DIFFER_MS = 20_000
/** What its nodes drop, or exchange late, an owner finds when it looks: once in 30 to 60 s, and what comes meanwhile puts that off. */
const CLUSTER_DIFFER_MS = 120_000

/** Written a second after a change at the latest; what came in that second is gone with a kill. */
const AUTOSAVE = ['autosave_on_changes true', 'autosave_interval 1']

function mosquitto(protocolVersion: 4 | 5, persistence: boolean): BrokerKind {
  const kept = persistence ? 'autosave' : 'no persistence'
  return {
    title: `Mosquitto, MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}, ${kept}`,
    isInstalled: mosquittoAvailable,
    protocolVersion,
    isDurable: false,
    isForgetful: !persistence,
    differMs: DIFFER_MS,
    hasOneOrder: true,
    start: async () => single(await startMosquitto({ persistence, config: persistence ? AUTOSAVE : [] })),
  }
}

export type BrokerName =
  | 'mosquitto-5'
  | 'mosquitto-5-memory'
  | 'mosquitto-4'
  | 'mosquitto-4-memory'
  | 'nats'
  | 'nats-cluster'
  | 'embedded'

/** Every kind of broker, by the name that `--broker` knows it by. */
export const BROKERS: Readonly<Record<BrokerName, BrokerKind>> = {
  'mosquitto-5': mosquitto(5, true),
  'mosquitto-5-memory': mosquitto(5, false),
  'mosquitto-4': mosquitto(4, true),
  'mosquitto-4-memory': mosquitto(4, false),
  nats: {
    title: 'NATS',
    isInstalled: natsAvailable,
    protocolVersion: 4,
    isDurable: true,
    isForgetful: false,
    differMs: DIFFER_MS,
    hasOneOrder: false,
    start: async () => single(await startNats()),
  },
  'nats-cluster': {
    title: 'NATS, cluster of three',
    isInstalled: natsAvailable,
    protocolVersion: 4,
    isDurable: true,
    isForgetful: false,
    differMs: CLUSTER_DIFFER_MS,
    hasOneOrder: false,
    start: startNatsCluster,
  },
  embedded: {
    title: 'Embedded broker',
    isInstalled: true,
    protocolVersion: 4,
    isDurable: true,
    isForgetful: false,
    differMs: DIFFER_MS,
    hasOneOrder: true,
    start: startEmbedded,
  },
}

function single(broker: RunningBroker): TorturedBroker {
  const node = { url: broker.url, port: broker.port, kill: () => broker.kill(), start: () => broker.restart() }
  return { nodes: [node], stop: () => broker.kill() }
}

/** In a process of its own, so that it can be killed. */
async function startEmbedded(program: string): Promise<TorturedBroker> {
  const directory = temporaryDirectory()
  let child: ChildProcess | undefined
  let url = ''
  let port = '0'
  const start = async () => {
    const started = spawn(process.execPath, [program, directory, port], { stdio: ['ignore', 'pipe', 'inherit'] })
    child = started
    atExit(() => started.kill('SIGKILL'))
    const [line] = await within(once(createInterface(started.stdout), 'line'), {
      what: 'the broker to start',
      limitMs: 10_000,
    })
    url = JSON.parse(line).url
    port = new URL(url).port
  }
  const kill = async () => {
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    child = undefined
    await ended
  }
  await start()
  return { nodes: [{ url, port: Number(port), kill, start }], stop: kill }
}
