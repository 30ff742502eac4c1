// @ts-check
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { promisify } from 'node:util'
import { digits, duration } from './rounds.js'
import { installed } from './servers.js'

const ROUND_TRIP_MS = 50
const BROKERS = { asItComes: 'as it comes', noDelay: '`set_tcp_nodelay true`' }
const CLIENTS = { store: 'persist-mqtt', bare: 'MQTT.js', raw: 'raw socket' }

/** Opening and the first save over a network that is far away. @returns {Promise<import('./report.js').Section>} */
export async function farLink() {
  const section = {
    title: 'The first steps from far away',
    text: `Over a network with a round trip of ${ROUND_TRIP_MS} ms, with the kernel’s TCP at both ends: two network namespaces. In brackets: the round trips after that which TCP takes to connect. A pool of 1 KB; the raw socket sends packets that were encoded before, all in one flight: the limit.`,
    head: ['Mosquitto', '', 'opening', 'the first save'],
  }
  const missing = ['mosquitto', 'python3', 'ip', 'unshare'].filter((name) => installed(name) === undefined)
  if (missing.length > 0) return skipped(`${missing.join(', ')} not installed`)
  if (!(await isAllowed())) return skipped('this system allows no network of one’s own; root may have one')
  const results = await measured()
  const rows = []
  const targets = []
  for (const [where, broker] of Object.entries(BROKERS)) {
    for (const [who, client] of Object.entries(CLIENTS)) {
      const { tcp, opening, saving } = results[`${who} ${where}`] ?? { tcp: NaN, opening: NaN, saving: NaN }
      const trips = { opening: (opening - tcp) / tcp, saving: saving / tcp }
      const cell = (/** @type {number} */ time, /** @type {number} */ count) => `${duration(time)} (${digits(count)})`
      rows.push([broker, client, cell(opening, trips.opening), cell(saving, trips.saving)])
      if (who !== 'store') continue
      // Where it does not set TCP_NODELAY, a broker's second packet takes a round trip more, and no client can mend that.
      const most = where === 'noDelay' ? 1.1 : 2.2
      targets.push(
        { what: `Round trips of opening, Mosquitto ${broker}`, most, is: trips.opening },
        { what: `Round trips of the first save, Mosquitto ${broker}`, most, is: trips.saving },
      )
    }
  }
  return { ...section, rows, targets }

  /** @param {string} reason */
  function skipped(reason) {
    return { ...section, rows: [], targets: [], skipped: [`Skipped: ${reason}.`] }
  }
}

/** May this process make a network? */
async function isAllowed() {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
    await inNetwork('true')
    return true
  } catch {
    return false
  }
}

/** @returns {Promise<Record<string, { tcp: number, opening: number, saving: number }>>} in nanoseconds */
async function measured() {
  const program = new URL('far-link-rounds.js', import.meta.url).pathname
  const { stdout } = await inNetwork(process.execPath, program, String(ROUND_TRIP_MS))
  return JSON.parse(stdout)
}

/** Runs a program in a network namespace of its own. @param {string[]} command */
function inNetwork(...command) {
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
  // In a process namespace nothing of it outlives its first process.
  return promisify(execFile)('unshare', [...asRoot, '--net', '--pid', '--fork', '--kill-child', ...command])
}
