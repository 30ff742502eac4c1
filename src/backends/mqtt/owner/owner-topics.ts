/** Longer than all that owners say, in bytes. */
const LIMIT_BYTES = 200
/** A time that nobody will see, but that can still be counted on from. */
const LAST_TIME = 2 ** 52

/** Who owns a pool, as far as the broker tells. */
export type Owner =
  /** A program that uses this package: it does what editors ask for. */
  | { readonly kind: 'program'; readonly session: string }
  /** Online under that name without saying that it owns the pool: a Tasmota device, which does not listen. */
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

/** Where the owner of the pool on a topic says who it is. */
export function ownerTopicOf(topic: string): string {
  return `${topic}/owner`
}

/** Where programs and Tasmota devices of that name say whether they are online. */
export function lwtTopicOf(name: string): string {
  return `tele/${name}/LWT`
}

/** The name in a topic of {@link lwtTopicOf}; undefined: it is another topic. */
export function nameInLwtTopic(topic: string): string | undefined {
  return /^tele\/(.+)\/LWT$/s.exec(topic)?.[1]
}

/** Who owns a pool, by what was last said: the session of its owner, and whether something of its name is online. */
export function ownerOf(session: string | undefined, isOnline: boolean | undefined): Owner {
  if (session !== undefined) return isOnline === false ? { kind: 'none' } : { kind: 'program', session }
  return { kind: isOnline ? 'device' : 'none' }
}

/** Of several owners the one with the higher rank owns the pool. */
export function isHigher(one: Rank, other: Rank): boolean {
  return one.since === other.since ? one.session > other.session : one.since > other.since
}

export function printRank({ session, since }: Rank): string {
  return JSON.stringify({ session, since })
}

/** Undefined for everything that no owner has said: people and programs may write what they like. */
export function rankIn(payload: Uint8Array): Rank | undefined {
  const { session, since } = saidIn(payload)
  const isTime = Number.isSafeInteger(since) && (since as number) >= 0 && (since as number) < LAST_TIME
  return typeof session === 'string' && isTime ? { session, since: since as number } : undefined
}

/** The session of an owner that can be asked: it becomes a level of topics, so nothing but 16 hex digits will do. */
export function sessionIn(payload: Uint8Array): string | undefined {
  const { session } = saidIn(payload)
  return typeof session === 'string' && /^[0-9a-f]{16}$/.test(session) ? session : undefined
}

function saidIn(payload: Uint8Array): { readonly session?: unknown; readonly since?: unknown } {
  try {
    return JSON.parse(textOf(payload)) ?? {}
  } catch {
    return {}
  }
}

export function printOnline(isOnline: boolean): string {
  return isOnline ? 'Online' : 'Offline'
}

/** Undefined for everything else that may be said there. */
export function onlineIn(payload: Uint8Array): boolean | undefined {
  const text = textOf(payload)
  return text === printOnline(true) ? true : text === printOnline(false) ? false : undefined
}

function textOf(payload: Uint8Array): string {
  return payload.length > LIMIT_BYTES ? '' : new TextDecoder().decode(payload)
}
