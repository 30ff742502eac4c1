// @ts-check
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { startBroker } from '../dist/broker/start-broker.js'

/** @typedef {{ url: string, host: string, port: number, stop(): Promise<void> }} Server */
/**
 * Where a server runs.
 * @typedef {object} Place
 * @property {string} [host] the address at which it listens
 * @property {string[]} [command] what comes before its own command
 * @property {string} [directory] what it keeps there; a new one if it is missing
 */

const LOOPBACK = '127.0.0.1'

const STARTING_LIMIT_MS = 10_000

/** What is left to do when the program ends, also after an error. @type {Set<() => void>} */
const atExit = new Set()
process.once('exit', () => {
  for (const task of atExit) task()
})

/** The path of a program, if it is installed. Debian keeps servers where only root's PATH looks. @param {string} name */
export function installed(name) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return directories.map((directory) => join(directory, name)).find(isExecutable)
}

/** A new directory, gone when the program ends. */
export function temporaryDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'persist-mqtt-bench-'))
  atExit.add(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The embedded broker; every acknowledged message is on disk. @returns {Promise<Server>} */
export async function embeddedBroker() {
  const broker = await startBroker({ directory: temporaryDirectory(), port: 0, webSocketPort: 0 })
  const { hostname, port } = new URL(broker.url)
  return { url: broker.url, host: hostname, port: Number(port), stop: () => broker.close() }
}

/** @param {string[]} [config] @param {Place} [place] @returns {Promise<Server>} */
export function mosquitto(config = ['persistence false'], place = {}) {
  const args = (/** @type {number} */ port, /** @type {string} */ directory) => {
    const file = join(directory, 'mosquitto.conf')
    const lines = [
      `listener ${port} ${place.host ?? LOOPBACK}`,
      'allow_anonymous true',
      `persistence_location ${directory}/`,
      ...config,
    ]
    // Started by root it would become the user "mosquitto", who may not write into our directory.
    if (process.getuid?.() === 0) lines.push('user root')
    writeFileSync(file, `${lines.join('\n')}\n`)
    return ['-c', file]
  }
  return started('mosquitto', 'mqtt', args, place)
}

/** @param {string[]} [config] @returns {Promise<Server>} */
export function redis(config = []) {
  return started('redis-server', 'redis', (port, directory) => {
    return ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, ...config]
  })
}

/** @returns {Promise<Server>} */
export function nats() {
  return started('nats-server', 'nats', (port, directory) => {
    return ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', directory]
  })
}

/**
 * Starts an installed server on a port of its own and waits until it listens.
 * @param {string} name @param {string} scheme @param {(port: number, directory: string) => string[]} args
 * @param {Place} [place]
 * @returns {Promise<Server>}
 */
async function started(
  name,
  scheme,
  args,
  { host = LOOPBACK, command: before = [], directory = temporaryDirectory() } = {},
) {
  const command = installed(name)
  if (command === undefined) throw new Error(`${name} is not installed`)
  const port = await freePort()
  const [program = command, ...others] = [...before, command, ...args(port, directory)]
  const child = spawn(program, others, { stdio: 'ignore' })
  const kill = () => void child.kill('SIGKILL')
  atExit.add(kill)
  const ended = once(child, 'exit')
  await Promise.race([
    listening(port, host),
    ended.then(() => {
      throw new Error(`${name} ended by itself`)
    }),
  ])
  return {
    url: `${scheme}://${host}:${port}`,
    host,
    port,
    async stop() {
      atExit.delete(kill)
      child.kill()
      await ended
    },
  }
}

/** @param {number} port @param {string} host */
async function listening(port, host) {
  const deadline = performance.now() + STARTING_LIMIT_MS
  while (performance.now() < deadline) {
    const socket = connect(port, host)
    try {
      await once(socket, 'connect')
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20))
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`Nothing listens at port ${port} after ${STARTING_LIMIT_MS} ms`)
}

async function freePort() {
  // At every address: in a network of its own (far-link.js) there may be no loopback.
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
