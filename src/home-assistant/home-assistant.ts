import type { IntegratedStore, Integration, SideMessage, SideTopics } from '../contracts/integration.ts'
import type { JsonValue } from '../format/json.ts'
import type { PersistError } from '../runtime/errors.ts'
import { unref } from '../runtime/keep-alive.ts'
import { type Announced, announcedIn, componentsOf, discoveryMessage, discoveryTopic } from './discovery.ts'
import { checkHomeAssistantOptions, type HomeAssistantOptions } from './options.ts'
import { schemasIn } from './schemas.ts'

export type { HomeAssistantOptions, HomeAssistantPlatform, HomeAssistantVariable } from './options.ts'

/** From a change to its announcement, in milliseconds. */
const PAUSE_MS = 100

type Publish = Parameters<SideTopics['linked']>[0]

/**
 * Shows a store's variables in Home Assistant, and takes changes from there; without options, all booleans, numbers and
 * texts. It announces them by MQTT device discovery, and withdraws removed ones:
 * https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
 *
 * @throws {PersistError} ERR_PERSIST_OPTION, with the name of a variable that Home Assistant would refuse
 * @example
 * const pt = await openStore({ name: 'garage', integrations: [homeAssistant({ variables: { limit: { min: 0, max: 9 } } })] })
 */
export function homeAssistant(options: HomeAssistantOptions = {}): Integration {
  checkHomeAssistantOptions(options)
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
  /** What the broker retains at the discovery topic. */
  #held = ''
  /** Did the broker retain something there when this connection began? */
  #wasHeld = false
  #publish: Publish | undefined
  #isDue = false
  /** Why variables were left out of the last announcement. */
  #refused: PersistError[] = []
  /** Does the broker hold a pool? Before that, entities would have no state. */
  #isSaved = false

  constructor(pt: IntegratedStore, announced: Announced) {
    this.#pt = pt
    this.#announced = announced
    this.#topic = discoveryTopic(announced)
    this.topics = [this.#topic, `${announced.options.discoveryPrefix ?? 'homeassistant'}/status`]
    pt.$on('change', ({ value, previous }) => {
      // A new value of the same type does not change the announcement.
      if (kindOf(value) !== kindOf(previous)) this.#announceSoon()
    })
    pt.$on('save', () => {
      if (this.#isSaved) return
      this.#isSaved = true
      this.#announceSoon()
    })
  }

  received({ topic, payload, retain }: SideMessage): void {
    const text = new TextDecoder().decode(payload)
    if (topic === this.#topic) {
      this.#wasHeld ||= retain
      // A person who removes the device in Home Assistant does not want it back before the next start.
      this.#held = text
    } else if (text === 'online' && !retain) {
      // Home Assistant has started, perhaps without the retained announcement.
      this.#announce(true)
    }
  }

  async linked(publish: Publish): Promise<void> {
    this.#publish = publish
    // What the broker did not send on this connection it does not retain: it lost the message, or never got it.
    if (!this.#wasHeld) this.#held = ''
    this.#wasHeld = false
    const pt = this.#pt
    // Where nothing is there yet, the variables' defaults are saved. A failure is the store's to tell: a later save announces.
    const opened = pt.exec(() => (this.#isSaved ? undefined : pt.save()))
    const isOpen = await opened.then(
      () => true,
      () => false,
    )
    if (!isOpen) return
    this.#isSaved = true
    this.#announce()
    const [error] = this.#refused
    if (error !== undefined) throw error
  }

  /** One message for all changes within PAUSE_MS, since each message has all entities. */
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
    if (publish === undefined || !this.#isSaved || !this.#pt.ready()) return
    const before = announcedIn(this.#held)
    this.#refused = []
    const components = componentsOf(this.#announced, this.#pt.$snapshot(), before, (error) => this.#refused.push(error))
    const gone = Object.entries(before).filter(([key]) => !Object.hasOwn(components, key))
    const isEmpty = Object.keys(components).length === 0
    if (isEmpty && gone.length === 0) return
    const message = isEmpty ? '' : discoveryMessage(this.#announced, components)
    if (message === this.#held && !isAgain) return
    // Home Assistant removes an entity whose component has nothing but its platform, and keeps one that is left out.
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
