// @ts-check
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { NAME, retainPool, TOPIC } from './clients.js'
import { connectPacket, subscribePacket } from './raw-client.js'
import { digits, duration, interleaved } from './rounds.js'
import { embeddedBroker, installed, mosquitto } from './servers.js'

const ROUNDS = 9
const HERE = new URL('..', import.meta.url)

/** What a program's start costs, until its variables are here. @returns {Promise<import('./report.js').Section>} */
export async function startUp() {
  const isReal = installed('mosquitto') !== undefined
  const broker = await (isReal ? mosquitto() : embeddedBroker())
  await retainPool(broker)
  const flight = Buffer.concat([connectPacket(), subscribePacket([TOPIC])]).toString('hex')
  // A client needs an id of its own: two processes never run at once, so one is enough.
  const programs = {
    node: `import { connect } from 'node:net'
      const socket = connect({ port: ${broker.port}, host: '127.0.0.1', noDelay: true })
      let text = ''
      socket.write(Buffer.from('${flight}', 'hex'))
      socket.on('data', (bytes) => {
        text += bytes
        const [json] = /{.*}/.exec(text) ?? []
        // A PINGREQ, so that the broker does not wait for our acknowledgement.
        if (json === undefined) return socket.write(Buffer.from([0xc0, 0]))
        done(JSON.parse(json))
      })`,
    mqtt: `import { connect } from 'mqtt'
      const client = connect('${broker.url}')
      client.subscribe('${TOPIC}', { qos: 1 })
      client.on('message', (topic, bytes) => done(JSON.parse(bytes)))`,
    store: `import { openStore } from 'persist-mqtt'
      done(await openStore({ url: '${broker.url}', name: '${NAME}', saveOnExit: false }))`,
  }
  const t = await interleaved(
    Object.fromEntries(Object.entries(programs).map(([name, source]) => [name, started(source)])),
    ROUNDS,
  )
  const imports = await interleaved(
    Object.fromEntries(['node:net', 'mqtt', 'persist-mqtt'].map((name) => [name, started(`import '${name}'; done()`)])),
    ROUNDS,
  )
  await broker.stop()

  const row = (/** @type {string} */ what, /** @type {string} */ name, /** @type {string} */ module) => [
    what,
    digits(t.ratio(name, 'node')),
    duration(t.median(name)),
    module === 'node:net' ? '' : `+ ${duration(imports.median(module) - imports.median('node:net'))}`,
  ]
  return {
    title: 'From the start of a program to its variables',
    text: `A new process each time; the clock runs from \`spawn\` until the process says that it has the pool of 1 KB, from ${isReal ? 'Mosquitto as it comes' : 'the embedded broker'}. Node alone sends packets that were encoded before, on a socket. Importing: a process that imports and says so, less one that imports \`node:net\`. \`persist-mqtt\` loads what connects when a store is opened, not when it is imported.`,
    head: ['', 'times Node alone', 'to the variables', 'importing'],
    rows: [
      row('Node alone (`node:net`)', 'node', 'node:net'),
      row('MQTT.js', 'mqtt', 'mqtt'),
      row('persist-mqtt', 'store', 'persist-mqtt'),
    ],
    targets: [{ what: 'From start to variables ÷ Node alone', most: 1.6, is: t.ratio('store', 'node') }],
  }
}

/**
 * A process that runs until it calls \`done\`, which takes the pool.
 * @param {string} source @returns {import('./rounds.js').Case}
 */
function started(source) {
  const whole = `import { writeSync } from 'node:fs'
    const done = (pool) => writeSync(1, String(pool?.counter))
    ${source}`
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child
  return {
    times: 1,
    async run() {
      const args = ['--input-type=module', '-e', whole]
      const running = spawn(process.execPath, args, { cwd: HERE, stdio: ['ignore', 'pipe', 'inherit'] })
      child = running
      await once(running.stdout, 'data')
    },
    async after() {
      if (child === undefined || child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}
