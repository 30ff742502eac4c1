import type { JsonObject, JsonValue } from '../format/json.ts'
import type { StandardSchema } from '../schema/schema.ts'

/**
 * Shows a store elsewhere, and takes changes from there, on the connection of the store that owns the pool:
 * `openStore({ integrations: [homeAssistant()] })`. Anybody can write one; one object serves any number of stores.
 *
 * What it throws, or rejects with, is an 'error' event, and harms neither the pool nor other integrations.
 */
export interface Integration {
  /** For messages: `home-assistant`. */
  readonly name: string
  /** Called once by each store that is opened with it at an MQTT broker, before the variables are here. */
  attach(pt: IntegratedStore, pool: IntegratedPool): SideTopics
}

/** The store, as far as integrations need it; docs of the members are those of `Store`. */
export interface IntegratedStore {
  ready(): boolean
  exec(fn: () => void): Promise<void>
  save(): Promise<void>
  $on(event: 'change', listener: (change: IntegratedChange) => void): () => void
  $snapshot(): Readonly<JsonObject>
  /** A variable, once they are here. */
  [variable: string]: unknown
}

/** A variable has another value, or is gone (`value` undefined). */
export interface IntegratedChange {
  readonly name: string
  readonly value: JsonValue | undefined
  readonly previous: JsonValue | undefined
  /** Who changed it: this program, or somebody else. */
  readonly origin: 'local' | 'remote'
}

/** What the store was opened with. */
export interface IntegratedPool {
  readonly name: string
  /** Of the pool. */
  readonly topic: string
  readonly schema: StandardSchema | undefined
}

/**
 * Topics beside the pool's: what an integration announces there, and hears.
 *
 * They never hold up the pool: what the broker refuses there is an 'error' event, where the broker says so.
 */
export interface SideTopics {
  /** Without wildcards; the store subscribes to them on each connection, at QoS 1. */
  readonly topics: readonly string[]
  /** A message on one of them. What is retained there comes before `linked` is called, on each connection. */
  received(message: SideMessage): void
  /**
   * There is a link, until the next one: the function publishes a retained message at QoS 1; an empty one deletes it.
   * It throws where the topic is none that can be published to.
   */
  linked(publish: (topic: string, text: string) => void): void
}

export interface SideMessage {
  readonly topic: string
  readonly payload: Uint8Array
  /** It was there before the store subscribed. */
  readonly retain: boolean
}
