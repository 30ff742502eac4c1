// @ts-check
import { openStore } from 'persist-mqtt'
import { bareClient, retain } from './bare-client.js'
import { kilobytePool } from './pools.js'
import { publishPacket, rawClient } from './raw-client.js'

/** @typedef {{ url: string, port: number, host?: string }} Address */
/** @typedef {{ save(): Promise<unknown>, close(): unknown }} Opened */

export const NAME = 'bench'
export const TOPIC = `stat/${NAME}/PersistMQTT`

/** Puts a pool of 1 KB where the clients look for it. @param {Address} at */
export function retainPool({ url }) {
  return retain(url, TOPIC, JSON.stringify(kilobytePool()))
}

/**
 * Three ways to a pool that is kept: this package, MQTT.js alone, and the limit.
 * @satisfies {Record<string, (at: Address, protocolVersion?: 4 | 5) => Promise<Opened>>}
 */
export const CLIENTS = {
  async store(at, protocolVersion) {
    const pt = await openStore({ url: at.url, name: NAME, saveOnExit: false, protocolVersion })
    if (typeof pt.counter !== 'number') throw new Error('The pool did not come')
    return {
      save() {
        pt.counter++
        return pt.save()
      },
      close: () => pt.$close(),
    }
  },

  async bare(at, protocolVersion = 4) {
    const client = await bareClient(at.url, TOPIC, { protocolVersion })
    const pool = JSON.parse(client.held)
    return {
      save() {
        pool.counter++
        return client.publish(JSON.stringify(pool))
      },
      close: client.end,
    }
  },

  async raw(at) {
    const client = await rawClient(at.port, TOPIC, at.host)
    const packet = publishPacket(TOPIC, JSON.stringify(kilobytePool()), { retain: true })
    return { save: () => client.publish(packet), close: client.end }
  },
}

/** Opening, measured. @param {() => Promise<Opened>} open @returns {import('./rounds.js').Case} */
export function openingCase(open) {
  /** @type {Opened | undefined} */
  let opened
  return {
    times: 1,
    async run() {
      opened = await open()
    },
    after: () => opened?.close(),
  }
}

/** The first save of what was opened right before. @param {() => Promise<Opened>} open @returns {import('./rounds.js').Case} */
export function firstSaveCase(open) {
  return { times: 1, before: open, run: (_, opened) => opened.save(), after: (opened) => opened.close() }
}
