import { lwtTopicOf, ownerTopicOf } from '../backends/mqtt/owner/owner-topics.ts'
import { encodeText } from '../format/bytes.ts'
import type { Connection } from '../mqtt/connection.ts'
import { PersistError, reasonOf } from '../runtime/errors.ts'
import { within } from '../runtime/promises.ts'
import { randomHex } from '../runtime/random-hex.ts'
import { type Check, failed, ok, warning } from './doctor/check.ts'
import { clientIdCheck } from './doctor/client-ids.ts'
import { echoOf, gapOf, limitFor, put, retainedAt } from './doctor/probe.ts'
import { declaredSizeCheck, triedSizeCheck } from './doctor/size-check.ts'
import { willCheck } from './doctor/will.ts'
import { isLost, writeCheck } from './doctor/write-check.ts'
import type { Pools } from './pools.ts'

export type { Check } from './doctor/check.ts'

/** How often the order of messages is checked. */
const ROUNDS = 5
/** From here on the second of two packets waited for our system to acknowledge the first, in milliseconds. */
const WAITING_MS = 15
/** How long one check may take in all, in milliseconds. */
const CHECK_LIMIT_MS = 40_000

/** Checks that can find nothing out where nothing is retained. */
const NEED_RETAINED = ['order', 'wildcard', 'size']

/** The names of the doctor's own pools begin with it. */
const PREFIX = 'persist-mqtt-doctor-'

/** Is it one of the doctor's own pools? */
export function isExamined(name: string): boolean {
  return name.startsWith(PREFIX)
}

/**
 * Finds out which guarantees a broker gives, on topics of its own, which it empties afterwards.
 *
 * @param onCheck called after each check
 * @param onSize called before each pool that shows which sizes the broker keeps, since everybody who has subscribed to `#`
 * gets it; undefined: no sizes are tried
 * @throws {PersistError} the broker cannot be reached at all
 */
export async function examine(
  pools: Pools,
  signal: AbortSignal,
  onCheck: (check: Check) => void,
  onSize?: (size: string, topic: string) => void,
): Promise<void> {
  const doctor = new Doctor(pools, onSize)
  onCheck(await doctor.link())
  let keepsNothing = false
  try {
    for (const [name, check] of doctor.checks()) {
      if (signal.aborted) return
      if (keepsNothing && NEED_RETAINED.includes(name)) continue
      const result = await settled(name, check())
      onCheck(result)
      keepsNothing ||= name === 'retain' && result.result === 'failed'
    }
  } finally {
    const left = await doctor.cleaned()
    if (left !== undefined) onCheck(left)
  }
}

async function settled(name: string, check: Promise<Check>): Promise<Check> {
  try {
    return await within(
      check,
      CHECK_LIMIT_MS,
      () => new Error(`nothing was answered within ${CHECK_LIMIT_MS / 1000} s`),
    )
  } catch (error) {
    return failed(name, reasonOf(error).replace(/\.$/, ''), 'Look into the log of the broker.')
  }
}

class Doctor {
  readonly #pools: Pools
  readonly #name = PREFIX + randomHex(6)
  readonly #topic: string
  readonly #fence: string
  readonly #onSize: ((size: string, topic: string) => void) | undefined
  /** Topics that may have a retained message of ours. */
  readonly #used = new Set<string>()

  constructor(pools: Pools, onSize: ((size: string, topic: string) => void) | undefined) {
    this.#pools = pools
    this.#onSize = onSize
    this.#topic = pools.topics.of(this.#name)
    this.#fence = `${this.#topic}/fence`
  }

  checks(): [name: string, check: () => Promise<Check>][] {
    return [
      ...this.#several(),
      ['write', () => writeCheck(this.#pools, this.#topic)],
      ['retain', () => this.#retain()],
      ['order', () => this.#order()],
      ['delay', () => this.#delay()],
      ['wildcard', () => this.#wildcard()],
      ['size', () => this.#size()],
      ...this.#permissions(),
      ['will', () => this.#will()],
      ['broker', () => this.#broker()],
    ]
  }

  /** With a client id that is given, all connections have the same one. */
  #several(): [name: string, check: () => Promise<Check>][] {
    const pools = this.#pools
    if (pools.options.clientId !== undefined) return []
    const check = () => pools.connected((older) => pools.connected((newer) => clientIdCheck(older, newer, this.#topic)))
    return [['client id', check]]
  }

  #permissions(): [name: string, check: () => Promise<Check>][] {
    const permissions = [
      ['owner', ownerTopicOf(this.#topic), 'two owners of one pool do not notice each other'],
      ['presence', lwtTopicOf(this.#name), 'a device of the same name is not seen'],
      ['requests', `${this.#topic}/set/doctor`, 'a running program cannot be asked for changes'],
    ] as const
    return permissions.map(([name, topic, otherwise]) => [name, () => this.#permission(name, topic, otherwise)])
  }

  link(): Promise<Check> {
    return this.#pools.connected(async ({ protocolVersion }) => {
      const version = protocolVersion === 5 ? 'MQTT 5' : 'MQTT 3.1.1'
      const { place, isSecure, hasPassword, isLocal } = this.#pools
      const seen = `${version} at ${place}, ${isSecure ? 'with TLS' : 'not encrypted'}`
      if (hasPassword && !isSecure && !isLocal) {
        return warning(
          'link',
          seen,
          'The password can be read on its way: use mqtts: or wss:, and a listener with TLS.',
        )
      }
      return ok('link', seen)
    })
  }

  async #retain(): Promise<Check> {
    const text = '{"doctor":true}'
    const advice = 'Set retain_available true (the default) in mosquitto.conf, and give this user write permission.'
    const isRetained = await this.#pools.connected(async ({ limits }) => limits.retainAvailable)
    if (!isRetained) return failed('retain', 'the broker says that it keeps no retained messages', advice)
    try {
      await this.#put(this.#topic, encodeText(text))
    } catch (error) {
      if (!isLost(error)) throw error
      return failed('retain', 'the broker closes the connection at a retained message', advice)
    }
    const { messages } = await this.#retainedAt([this.#topic])
    if (messages.some(({ payload }) => new TextDecoder().decode(payload) === text)) {
      return ok('retain', 'a retained message is there for the next connection')
    }
    return failed('retain', 'a retained message is not there for the next connection', advice)
  }

  async #order(): Promise<Check> {
    for (let round = 0; round < ROUNDS; round++) {
      const { messages, isFenced } = await this.#retainedAt([this.#topic])
      if (!isFenced)
        return warning(
          'order',
          'no message to ourselves came back, so an empty pool is not known for sure',
          `Give this user read and write permission on ${this.#pools.topics.of('<name>')}/fence/#.`,
        )
      if (messages.length === 0)
        return failed(
          'order',
          'what is retained comes after a message that was sent later',
          'A pool may be taken for empty. Use another broker.',
        )
    }
    return ok('order', `what is retained comes before a message to ourselves, ${ROUNDS} of ${ROUNDS} times`)
  }

  async #delay(): Promise<Check> {
    const gapMs = await this.#pools.connected((connection) => gapOf(connection, this.#topic), { wakesBroker: false })
    if (gapMs < WAITING_MS) return ok('delay', 'small packets come one right behind the other')
    return warning(
      'delay',
      `the second of two small packets comes ${Math.round(gapMs)} ms after the first`,
      'Set set_tcp_nodelay true in mosquitto.conf: over a slow link a save takes half the time then.',
    )
  }

  async #wildcard(): Promise<Check> {
    // A wildcard for the first level, not for the name: there may be very many pools, and one is enough.
    const { messages } = await this.#retainedAt([this.#topic.replace(/^[^/]+/, '+')])
    if (messages.some(({ topic }) => topic === this.#topic))
      return ok('wildcard', 'pools are found without their names')
    return warning(
      'wildcard',
      'pools are not found without their names',
      'Name the pools in commands (RabbitMQ sends nothing retained to wildcards); or give this user read permission on all of them.',
    )
  }

  #size(): Promise<Check> {
    const onSize = this.#onSize
    if (onSize === undefined) return this.#pools.connected(async ({ limits }) => declaredSizeCheck(limits))
    // A connection for each size: some brokers close it when a message is too large.
    return triedSizeCheck(
      (bytes) => this.#holds(bytes),
      (size) => onSize(size, this.#topic),
    )
  }

  async #holds(bytes: number): Promise<boolean> {
    const text = JSON.stringify({ x: 'x'.repeat(bytes - 8) })
    if (!(await this.#put(this.#topic, encodeText(text)))) return false
    const { messages } = await this.#retainedAt([this.#topic], limitFor(bytes))
    return messages.some(({ payload }) => payload.length === text.length)
  }

  #permission(name: string, topic: string, otherwise: string): Promise<Check> {
    return this.#pools.connected(async (connection) => {
      const echo = await echoOf(connection, topic)
      const shown = topic.replaceAll(this.#name, '<name>').replace('/doctor', '/#')
      if (typeof echo !== 'string') return ok(name, `${shown} can be used`)
      return warning(
        name,
        `${shown} cannot be used, so ${otherwise}`,
        `Give this user read and write permission on ${shown}.`,
      )
    })
  }

  #will(): Promise<Check> {
    const topic = ownerTopicOf(this.#topic)
    this.#used.add(topic)
    return willCheck(this.#pools, topic, () => this.#retainedAt([topic]))
  }

  async #broker(): Promise<Check> {
    const topics = ['version', 'retained messages/count', 'publish/messages/dropped'].map(
      (topic) => `$SYS/broker/${topic}`,
    )
    const { messages } = await this.#retainedAt(topics)
    const textAt = (topic = '') => {
      const message = messages.find((one) => one.topic === topic)
      return message && new TextDecoder().decode(message.payload)
    }
    const [version, count, dropped] = topics.map(textAt)
    if (version === undefined) return ok('broker', 'it tells nothing about itself ($SYS)')
    const seen = `${version}, ${count ?? '?'} retained messages, ${dropped ?? '?'} dropped`
    const advice =
      'Whether it keeps them on disk cannot be asked. In mosquitto.conf: persistence true, autosave_interval 10.'
    return /mosquitto/i.test(version) ? warning('broker', seen, advice) : ok('broker', seen)
  }

  /** Removes all retained messages of the doctor; the result, if any, warns of those that it could not. */
  async cleaned(): Promise<Check | undefined> {
    try {
      await this.#pools.connected(async (connection) => {
        for (const topic of this.#used) await put(connection, topic, new Uint8Array())
      })
      const { messages } = await this.#retainedAt([...this.#used])
      if (messages.length === 0) return undefined
    } catch (error) {
      if (!(error instanceof PersistError)) throw error
    }
    return warning(
      'clean up',
      `something may be left at ${[...this.#used].join(', ')}`,
      'Remove it with an empty retained message.',
    )
  }

  #put(topic: string, payload: Uint8Array): Promise<boolean> {
    this.#used.add(topic)
    return this.#pools.connected((connection: Connection) => put(connection, topic, payload))
  }

  #retainedAt(filters: readonly string[], patienceMs?: number): ReturnType<typeof retainedAt> {
    return this.#pools.connected((connection) => retainedAt(connection, filters, this.#fence, patienceMs))
  }
}
