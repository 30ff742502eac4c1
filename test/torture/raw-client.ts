import mqtt, { type ISubscriptionMap, type MqttClient } from 'mqtt'
import { REVISION_NAME } from '../../src/format/revision.ts'
import { type Deferred, deferred } from '../../src/runtime/promises.ts'
import { within } from '../helpers/wait.ts'
import { type History, membersIn, type PoolValues, poolIn } from './history.ts'
import type { Operation, Writes } from './schedule.ts'

export interface RawClientOptions {
  readonly url: string
  readonly topic: string
  readonly protocolVersion: 4 | 5
}

type RawOperation = Operation & { kind: `raw-${string}` }

/** How long it tries to read the pool before it leaves an operation, in ms. */
const READING_LIMIT_MS = 3000

/** A client that knows nothing of stores: MQTT.js, which also sends again what was not acknowledged. */
export class RawClient {
  readonly #client: MqttClient
  readonly #topic: string
  readonly #history: History
  readonly #fences = new Map<string, Deferred<void>>()
  #pool: PoolValues = null
  #last: Promise<void> = Promise.resolve()

  constructor({ url, topic, protocolVersion }: RawClientOptions, history: History) {
    this.#topic = topic
    this.#history = history
    this.#client = mqtt.connect(url, { protocolVersion, reconnectPeriod: 100, connectTimeout: 2000, keepalive: 5 })
    this.#client.on('error', () => {})
    this.#client.on('message', (at, payload) => {
      if (at === topic) this.#pool = membersIn(payload.toString())
      else this.#fences.get(payload.toString())?.resolve()
    })
  }

  /** Does one thing after the other; resolves when this one is acknowledged, or left. */
  do(operation: RawOperation): Promise<void> {
    this.#last = this.#last.then(() => this.#do(operation)).catch(() => {})
    return this.#last
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true)
  }

  async #do(operation: RawOperation): Promise<void> {
    if (!this.#client.connected) return
    const id = this.#history.newId()
    const values = 'values' in operation ? operation.values : {}
    this.#history.record({ type: 'raw', id, values, isFixed: operation.kind === 'raw-fixed' })
    const payload = await this.#payloadFor(operation, values, id)
    const isPlain = !Object.hasOwn(membersIn(payload) ?? {}, REVISION_NAME)
    this.#history.record({ type: 'raw-sent', id, payload: poolIn(payload), isPlain })
    await this.#client.publishAsync(this.#topic, payload, { qos: 1, retain: true })
    this.#history.record({ type: 'ok', id })
  }

  async #payloadFor(operation: RawOperation, values: Writes, id: number): Promise<string> {
    if (operation.kind === 'raw-delete') return ''
    if (operation.kind === 'raw-garbage') return operation.payload
    if (operation.kind === 'raw-fixed') return JSON.stringify(changed(null, values))
    await this.#read(id)
    await new Promise((resolve) => setTimeout(resolve, operation.thinkMs))
    return JSON.stringify(changed(this.#pool, values))
  }

  /** Subscribing brings what is retained, before the echo (at QoS 1: others may overtake) of what is published after it. */
  async #read(id: number): Promise<void> {
    const fence = `${this.#topic}/raw-fence`
    const echo = deferred<void>()
    this.#fences.set(`${id}`, echo)
    this.#pool = null
    try {
      const subscribed = this.#client.subscribeAsync({
        [this.#topic]: { qos: 1 },
        [fence]: { qos: 1 },
        // MQTT.js would not ask again for what it is subscribed to.
        resubscribe: true,
      } as ISubscriptionMap)
      await within(subscribed, { what: 'SUBACK', limitMs: READING_LIMIT_MS })
      this.#client.publish(fence, `${id}`, { qos: 1 })
      await within(echo.promise, { what: 'what is retained', limitMs: READING_LIMIT_MS })
    } finally {
      this.#fences.delete(`${id}`)
    }
  }
}

function changed(pool: PoolValues, values: Writes): PoolValues {
  return Object.fromEntries(Object.entries({ ...pool, ...values }).filter(([, value]) => value !== null))
}
