import type { JsonObject, JsonValue } from '../format/json.ts'
import type { StandardSchema } from '../schema/schema.ts'

/**
 * Shows a store elsewhere, and takes changes from there, on the connection of the store that owns the pool:
 * `openStore({ integrations: [homeAssistant()] })`. One object serves any number of stores.
 *
 * What it throws, or rejects with, is an 'error' event; the pool and other integrations go on.
 */
export interface Integration {
  /** For messages: `home-assistant`. */
  readonly name: string
  /** Each store at an MQTT broker calls it once, before its variables can be used. */
  attach(pt: IntegratedStore, pool: IntegratedPool): SideTopics
}

/** The store, as far as integrations need it; docs of the members are those of `Store`. */
export interface IntegratedStore {
  ready(): boolean
  exec(fn: () => void | Promise<void>): Promise<void>
  save(): Promise<void>
  $on(event: 'change', listener: (change: IntegratedChange) => void): () => void
  /** The backend holds what was saved. */
  $on(event: 'save', listener: () => void): () => void
  $snapshot(): Readonly<JsonObject>
  /** A variable, once the store is open. */
  [variable: string]: unknown
}

/** A variable has another value, or was removed (`value` undefined). */
export interface IntegratedChange {
  readonly name: string
  readonly value: JsonValue | undefined
  readonly previous: JsonValue | undefined
  /** Who changed it: this program, or another writer or an editor. */
  readonly origin: 'local' | 'remote'
}

/** The store's options, as far as integrations need them. */
export interface IntegratedPool {
  readonly name: string
  /** The pool's topic. */
  readonly topic: string
  readonly schema: StandardSchema | undefined
}

/**
 * Topics beside the pool's, to which an integration publishes and subscribes.
 *
 * They never delay the pool. What the broker refuses there is an 'error' event, where the broker says so.
 */
export interface SideTopics {
  /** Without wildcards; the store subscribes to them on each connection, at QoS 1. */
  readonly topics: readonly string[]
  /** A message on one of the topics. On each connection, retained messages come before the call of `linked`. */
  received(message: SideMessage): void
  /**
   * A link came up. Until the next call, `publish` sends a retained message at QoS 1; an empty one deletes what the broker
   * retains. It throws a TypeError for a topic with wildcards, an empty one, or one over 65,535 bytes (MQTT 5, 1.5.4).
   */
  linked(publish: (topic: string, text: string) => void): void | Promise<void>
}

export interface SideMessage {
  readonly topic: string
  readonly payload: Uint8Array
  /** The broker had retained it before the store subscribed. */
  readonly retain: boolean
}
