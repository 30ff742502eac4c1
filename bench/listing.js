// @ts-check
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connectAsync } from 'mqtt'
import { duration, interleaved } from './rounds.js'
import { mosquitto } from './servers.js'

const HERE = new URL('..', import.meta.url)
const POOLS = 10_000
const MANY_POOLS = 100_000
const ROUNDS = 7

/** What a person would write to see all pools: it counts them, since nothing says when they are all there. */
const bare = (/** @type {string} */ url, /** @type {number} */ count) => `
  import { connect } from 'mqtt'
  const client = connect('${url}')
  const lines = []
  client.subscribe('stat/+/PersistMQTT', { qos: 0 })
  client.on('message', (topic, payload) => {
    lines.push([topic, payload.length])
    if (lines.length < ${count}) return
    process.stdout.write(lines.map((line) => line.join(' ')).join('\\n'))
    client.end(true)
  })`

/** `persist-mqtt ls` beside a bare subscriber. @returns {Promise<import('./report.js').Section>} */
export async function listing() {
  const small = await mosquitto()
  await fill(small.url, POOLS)
  const result = await interleaved(
    {
      mqtt: { times: 1, run: async () => void (await printed(['--input-type=module', '-e', bare(small.url, POOLS)])) },
      ls: { times: 1, run: async () => assertListed(await ls(small.url), POOLS) },
    },
    ROUNDS,
  )
  await small.stop()

  const large = await mosquitto(['max_queued_messages 0'])
  await fill(large.url, MANY_POOLS)
  const start = performance.now()
  const many = await ls(large.url)
  const tookMs = performance.now() - start
  assertListed(many, MANY_POOLS)
  await large.stop()

  const ratio = result.ratio('ls', 'mqtt')
  return {
    title: 'Listing all pools of a broker',
    text:
      'Pools of 300 bytes on Mosquitto with default settings, of which a QoS 1 subscriber would get 1,020. A new process each time, ' +
      'from `spawn` to its end, everything printed. The subscriber is told how many there are, and ends when it has them; ' +
      '`persist-mqtt ls` finds out, and reads 1,020 of them twice. With `max_queued_messages 0`, ' +
      `${MANY_POOLS.toLocaleString('en')} pools take ${(tookMs / 1000).toFixed(1)} s and ${Math.round(many.kilobytes / 1024)} MB.`,
    head: ['10,000 pools', 'time', 'relative'],
    rows: [
      ['MQTT.js, subscriber at QoS 0', duration(result.median('mqtt')), '1'],
      ['`persist-mqtt ls`', duration(result.median('ls')), ratio.toFixed(2)],
    ],
    targets: [
      { what: '10,000 pools: `ls` ÷ MQTT.js', is: ratio, most: 0.9 },
      { what: '100,000 pools: memory of `ls`, MB', is: many.kilobytes / 1024, most: 200 },
    ],
  }
}

/** @param {string} url @param {number} count */
async function fill(url, count) {
  const client = await connectAsync(url)
  const text = JSON.stringify({ text: 'x'.repeat(288) })
  for (let from = 0; from < count; from += 500) {
    const names = Array.from({ length: 500 }, (_, index) => `stat/p${from + index}/PersistMQTT`)
    await Promise.all(names.map((topic) => client.publishAsync(topic, text, { qos: 1, retain: true })))
  }
  await client.endAsync()
}

/** @param {string} url */
async function ls(url) {
  // The largest resident size, as the system has counted it for the whole process.
  const code =
    "process.on('exit', () => console.error(process.resourceUsage().maxRSS)); await import('./bin/persist-mqtt.js')"
  return printed([
    '--input-type=module',
    '-e',
    `process.argv.splice(1, 0, 'persist-mqtt'); ${code}`,
    'ls',
    '--url',
    url,
  ])
}

/** @param {string[]} args */
async function printed(args) {
  const child = spawn(process.execPath, args, { cwd: HERE })
  const output = { stdout: '', stderr: '' }
  for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
    child[name].setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      output[name] += text
    })
  }
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`A listing failed: ${output.stderr}`)
  return { lines: output.stdout.split('\n').length, kilobytes: Number(/(\d+)\s*$/.exec(output.stderr)?.[1]) }
}

/** @param {{ lines: number }} printed @param {number} count */
function assertListed({ lines }, count) {
  // The title, and the end of the last line.
  if (lines !== count + 2) throw new Error(`${lines - 2} of ${count} pools were listed`)
}
