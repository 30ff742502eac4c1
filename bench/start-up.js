// @ts-check
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { duration, interleaved, median } from './rounds.js'

const ROUNDS = 9
/** The first byte of an MQTT CONNECT packet (MQTT 5, 3.1.1). */
const CONNECT = 0x10
const HERE = new URL('..', import.meta.url)

/** What a program's start costs, up to its first packet. @returns {Promise<import('./report.js').Section>} */
export async function startUp() {
  /** @type {(time: number) => void} */
  let packetCame = () => {}
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes) => {
      const time = performance.now()
      if (bytes[0] === CONNECT) packetCame(time)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const url = `mqtt://127.0.0.1:${port}`

  const programs = {
    node: `import { connect } from 'node:net'
      connect(${port}, '127.0.0.1').write(Buffer.from([${CONNECT}, 0]))`,
    mqtt: `import { connect } from 'mqtt'
      connect('${url}').on('error', () => {})`,
    store: `import { createStore } from 'persist-mqtt'
      createStore({ url: '${url}', name: 'bench' }).$on('error', () => {})`,
  }
  /** @type {Map<string, number[]>} */
  const toPacket = new Map(Object.keys(programs).map((name) => [name, []]))
  const cases = Object.entries(programs).map(([name, source]) => {
    const run = async () => {
      const came = new Promise((resolve) => {
        packetCame = resolve
      })
      const start = performance.now()
      const child = spawn(process.execPath, ['--input-type=module', '-e', source], { cwd: HERE, stdio: 'ignore' })
      const ended = once(child, 'exit')
      toPacket.get(name)?.push(((await came) - start) * 1e6)
      child.kill('SIGKILL')
      await ended
    }
    return [name, { times: 1, run }]
  })
  const imports = await interleaved(
    {
      nothing: { times: 1, run: () => imported('node:net') },
      mqtt: { times: 1, run: () => imported('mqtt') },
      store: { times: 1, run: () => imported('persist-mqtt') },
    },
    ROUNDS,
  )
  await interleaved(Object.fromEntries(cases), ROUNDS)
  server.close()

  const packet = (/** @type {keyof typeof programs} */ name) => median((toPacket.get(name) ?? []).slice(1))
  const row = (
    /** @type {string} */ what,
    /** @type {string} */ importing,
    /** @type {keyof typeof programs} */ name,
  ) => [
    what,
    name === 'node' ? '' : `+ ${duration(packet(name) - packet('node'))}`,
    duration(packet(name)),
    name === 'node' ? '' : `+ ${duration(imports.median(importing) - imports.median('nothing'))}`,
  ]
  return {
    title: 'From the start of a program to its first packet',
    text: 'A new process each time; the clock runs from `spawn` until CONNECT arrives at a server of this benchmark. Importing: a process that imports and ends, less one that imports `node:net`. `persist-mqtt` loads MQTT.js when a store is opened, not when it is imported.',
    head: ['', 'more than Node alone', 'to the first packet', 'importing'],
    rows: [
      row('Node alone (`node:net`)', 'nothing', 'node'),
      row('MQTT.js', 'mqtt', 'mqtt'),
      row('persist-mqtt', 'store', 'store'),
    ],
    targets: [{ what: 'From start to first packet ÷ MQTT.js', is: packet('store') / packet('mqtt') }],
  }
}

/** Starts a process that imports a module and ends. @param {string} module */
async function imported(module) {
  const source = `import '${module}'; process.exit()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { cwd: HERE, stdio: 'ignore' })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`Importing ${module} failed`)
}
