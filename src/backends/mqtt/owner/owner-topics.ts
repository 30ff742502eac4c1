import type { Message } from '../../../mqtt/connection.ts'

/** Longer than all that owners say, in bytes. */
const LIMIT_BYTES = 200
/** A time that nobody will see, but that can still be counted on from. */
const LAST_TIME = 2 ** 52

/** Who owns a pool, as far as the broker tells. */
export type Owner =
  /** A program that uses this package: it does what editors ask for. */
  | { readonly kind: 'program'; readonly session: string }
  /** Another client is online under that name: a Tasmota device, which does not listen. */
  | { readonly kind: 'device' }
  /** Nobody at this moment, or a program whose connection is lost. */
  | { readonly kind: 'none' }

export type OwnerKind = Owner['kind']

/** What an owner says of itself. */
export interface Rank {
  /** Different for each store that is opened. */
  readonly session: string
  /** When it was opened, in milliseconds since 1970; higher than that of the owner before in any case. */
  readonly since: number
}

/** What is said at {@link ownerTopicOf}. */
export interface Said {
  /** Undefined: by nobody who owns a pool. */
  readonly rank: Rank | undefined
  /** The session of an owner that can be asked: it becomes a level of topics, so nothing but 16 hex digits will do. */
  readonly session: string | undefined
  /** False is the will of its connection. Undefined: a program of an earlier version, which says so at the LWT topic. */
  readonly isOnline: boolean | undefined
  /** The LWT topic is another client's: a device has the same name. */
  readonly isBesideDevice: boolean
  readonly isAtQos0: boolean
}

/** What is said at {@link lwtTopicOf}. */
export interface Presence {
  /** Undefined: something else, or nothing. */
  readonly isOnline: boolean | undefined
  readonly isAtQos0: boolean
}

/** A message, as far as it matters who has sent it: at QoS 0 it has no packet identifier. */
export type SaidMessage = Pick<Message, 'payload' | 'packetId'>

export const NO_PRESENCE: Presence = { isOnline: undefined, isAtQos0: false }

/** Where the owner of the pool on a topic says who it is, and the broker that its connection is lost. */
export function ownerTopicOf(topic: string): string {
  return `${topic}/owner`
}

/** Where Tasmota devices of that name say whether they are online; programs too, where no device does. */
export function lwtTopicOf(name: string): string {
  return `tele/${name}/LWT`
}

/** The name in a topic of {@link lwtTopicOf}; undefined: it is another topic. */
export function nameInLwtTopic(topic: string): string | undefined {
  return /^tele\/(.+)\/LWT$/s.exec(topic)?.[1]
}

/** Who owns a pool, and whether that is online, by what was last said. */
export function ownerOf(
  said: Said | undefined,
  lwt: Presence,
): { readonly owner: Owner; readonly isOnline: boolean | undefined } {
  const { isOnline } = lwt
  const session = said?.session
  if (said === undefined || session === undefined || (said.isOnline === false && isOfDevice(said, lwt))) {
    return { owner: { kind: isOnline ? 'device' : 'none' }, isOnline }
  }
  // What a program said at the LWT topic stays when its connection is lost.
  const isThere = said.isOnline ?? isOnline
  return { owner: isThere === false ? { kind: 'none' } : { kind: 'program', session }, isOnline: isThere }
}

/**
 * Whether the LWT topic is a device's, also one that came when the program was gone that speaks at the owner's topic.
 * Devices say `Online` at QoS 0, programs all that they say at QoS 1, and brokers keep it with its QoS (MQTT 3.1.1,
 * 3.3.1.3). One that takes or delivers nothing at QoS 1 makes both alike, and nobody can tell.
 */
export function isOfDevice(said: Said, lwt: Presence): boolean {
  return said.session === undefined || said.isBesideDevice || (lwt.isAtQos0 && !said.isAtQos0)
}

/** Of several owners the one with the higher rank owns the pool. */
export function isHigher(one: Rank, other: Rank): boolean {
  return one.since === other.since ? one.session > other.session : one.since > other.since
}

/** What an owner says, or as its will the broker. */
export function printSaid({ session, since }: Rank, isOnline: boolean, isBesideDevice: boolean): string {
  return JSON.stringify({ session, since, online: isOnline, ...(isBesideDevice && { device: true }) })
}

/** People and programs may write there what they like. */
export function saidIn({ payload, packetId }: SaidMessage): Said {
  const { session, since, online, device } = membersIn(payload)
  const isTime = Number.isSafeInteger(since) && (since as number) >= 0 && (since as number) < LAST_TIME
  return {
    rank: typeof session === 'string' && isTime ? { session, since: since as number } : undefined,
    session: typeof session === 'string' && /^[0-9a-f]{16}$/.test(session) ? session : undefined,
    isOnline: typeof online === 'boolean' ? online : undefined,
    isBesideDevice: device === true,
    isAtQos0: packetId === undefined,
  }
}

function membersIn(payload: Uint8Array): { readonly [name in 'session' | 'since' | 'online' | 'device']?: unknown } {
  try {
    return JSON.parse(textOf(payload)) ?? {}
  } catch {
    return {}
  }
}

export function printOnline(isOnline: boolean): string {
  return isOnline ? 'Online' : 'Offline'
}

export function presenceIn({ payload, packetId }: SaidMessage): Presence {
  return { isOnline: onlineIn(payload), isAtQos0: packetId === undefined }
}

/** Undefined for everything else that may be said there. */
export function onlineIn(payload: Uint8Array): boolean | undefined {
  const text = textOf(payload)
  return text === printOnline(true) ? true : text === printOnline(false) ? false : undefined
}

function textOf(payload: Uint8Array): string {
  return payload.length > LIMIT_BYTES ? '' : new TextDecoder().decode(payload)
}
