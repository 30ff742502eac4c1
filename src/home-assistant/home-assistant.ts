import type { IntegratedStore, Integration, SideMessage, SideTopics } from '../contracts/integration.ts'
import type { JsonValue } from '../format/json.ts'
import { optionError } from '../runtime/errors.ts'
import { unref } from '../runtime/keep-alive.ts'
import { type Announced, announcedIn, componentsOf, discoveryMessage, discoveryTopic } from './discovery.ts'
import { type HomeAssistantOptions, isHomeAssistantOptions } from './options.ts'
import { schemasIn } from './schemas.ts'

export type { HomeAssistantOptions, HomeAssistantPlatform, HomeAssistantVariable } from './options.ts'

/** Between a change of what is announced and its announcement, in milliseconds. */
const PAUSE_MS = 100

type Publish = Parameters<SideTopics['linked']>[0]

/**
 * Shows a store's variables in Home Assistant, and takes changes from there; without options all that are booleans,
 * numbers or texts. It announces them by MQTT device discovery, and withdraws what is no more:
 * https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
 *
 * @throws {PersistError} ERR_PERSIST_OPTION
 * @example
 * const pt = await openStore({ name: 'garage', integrations: [homeAssistant({ variables: { limit: { min: 0, max: 9 } } })] })
 */
export function homeAssistant(options: HomeAssistantOptions = {}): Integration {
  if (!isHomeAssistantOptions(options)) {
    throw optionError('integrations', 'homeAssistant() takes { discoveryPrefix, device, variables }')
  }
  return {
    name: 'home-assistant',
    attach: (pt, { name, topic, schema }) => new Announcer(pt, { name, topic, options, schemas: schemasIn(schema) }),
  }
}

class Announcer implements SideTopics {
  readonly topics: readonly string[]
  readonly #pt: IntegratedStore
  readonly #announced: Announced
  readonly #topic: string
  /** What the broker holds there. */
  #held = ''
  /** The broker had something retained there when this connection was made. */
  #wasHeld = false
  #publish: Publish | undefined
  #isDue = false

  constructor(pt: IntegratedStore, announced: Announced) {
    this.#pt = pt
    this.#announced = announced
    this.#topic = discoveryTopic(announced)
    this.topics = [this.#topic, `${announced.options.discoveryPrefix ?? 'homeassistant'}/status`]
    pt.$on('change', ({ value, previous }) => {
      // A new value of the same kind changes nothing in what is announced.
      if (kindOf(value) !== kindOf(previous)) this.#announceSoon()
    })
  }

  received({ topic, payload, retain }: SideMessage): void {
    const text = new TextDecoder().decode(payload)
    if (topic === this.#topic) {
      this.#wasHeld ||= retain
      // Somebody who removes the device there does not want it back before the next start.
      this.#held = text
    } else if (text === 'online' && !retain) {
      // Home Assistant has started, and may have lost what is retained.
      this.#announce(true)
    }
  }

  linked(publish: Publish): void {
    this.#publish = publish
    // The broker may have lost the message, or never got it: what has not come with this connection is not there.
    if (!this.#wasHeld) this.#held = ''
    this.#wasHeld = false
    this.#pt.exec(() => this.#announce()).catch(() => {})
  }

  /** One message for all that changes within PAUSE_MS: each message has all entities in it. */
  #announceSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    const timer = setTimeout(() => {
      this.#isDue = false
      this.#announce()
    }, PAUSE_MS)
    unref(timer)
  }

  #announce(isAgain = false): void {
    const publish = this.#publish
    if (publish === undefined || !this.#pt.ready()) return
    const before = announcedIn(this.#held)
    const components = componentsOf(this.#announced, this.#pt.$snapshot(), before)
    const gone = Object.entries(before).filter(([key]) => !Object.hasOwn(components, key))
    const isEmpty = Object.keys(components).length === 0
    if (isEmpty && gone.length === 0) return
    const message = isEmpty ? '' : discoveryMessage(this.#announced, components)
    if (message === this.#held && !isAgain) return
    // An entity goes when it is announced with nothing but its platform; what is only left out stays.
    if (!isEmpty && gone.length > 0) {
      const withdrawn = Object.fromEntries(gone.map(([key, { platform }]) => [key, { platform }]))
      publish(this.#topic, discoveryMessage(this.#announced, { ...components, ...withdrawn }))
    }
    publish(this.#topic, message)
    this.#held = message
  }
}

function kindOf(value: JsonValue | undefined): string {
  return value === null ? 'null' : typeof value
}
