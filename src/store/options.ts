import type { Backend } from '../contracts/backend.ts'
import type { Integration } from '../contracts/integration.ts'
import { encodeText } from '../format/bytes.ts'
import { deviceLimit } from '../format/device.ts'
import { type JsonObject, MAX_POOL_BYTES } from '../format/json.ts'
import { unfitForName, unfitForTopic } from '../format/topic.ts'
import { namesUser } from '../format/url.ts'
import type { OnConflict } from '../merge/three-way.ts'
import { optionError } from '../runtime/errors.ts'
import { similarTo } from '../runtime/similar.ts'
import type { Migrations } from '../schema/migration.ts'
import type { StandardSchema } from '../schema/schema.ts'
import { reservedBecause } from './members.ts'

/** Certificates for `mqtts:` and `wss:`, as PEM texts (no file names). */
export interface TlsOptions {
  /** The authorities to trust instead of the system's: for a broker with a private CA. */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** This client's certificate, for a broker that asks for one. */
  cert?: string | Uint8Array
  /** The private key of `cert`. */
  key?: string | Uint8Array
  /** The name that the broker's certificate must have. @default the host of the url */
  servername?: string
  /** false accepts any certificate: for tests only. @default true */
  rejectUnauthorized?: boolean
}

/** When the store saves by itself after changes. */
export interface AutosaveOptions {
  /** The store saves so many milliseconds after the last change. */
  delayMs: number
  /** It saves at most so many milliseconds after the first unsaved change. @default 10 times delayMs */
  maxDelayMs?: number
}

/** Where the pool is, and how the store behaves; every option has a default but `name`. */
export interface StoreOptions<T extends object = JsonObject> {
  /**
   * The broker's url: mqtt:, mqtts:, ws: or wss:. Of a list (the nodes of a cluster) the next one is tried where one does
   * not answer, at the start and later. @default $MQTT_URL or mqtt://localhost:1883
   */
  url?: string | readonly string[] | undefined
  /** The user's name at the broker. @default $MQTT_USERNAME */
  username?: string | undefined
  /** The user's password at the broker. @default $MQTT_PASSWORD */
  password?: string | undefined
  /** Certificates for `mqtts:` and `wss:`. @default what the system trusts */
  tls?: TlsOptions | undefined
  /**
   * For brokers that let only certain client ids in. No other client may have the same one, another store or editor of
   * this program neither: the broker ends the older of two connections. @default a new one
   */
  clientId?: string | undefined
  /** Name of the pool; two programs must not share one by accident, so there is no default but $PERSIST_NAME. */
  name?: string | undefined
  /** The pool's topic, `{name}` stands for the name. @default stat/{name}/PersistMQTT */
  topic?: string | undefined
  /** MQTT 5 where the broker speaks it, else 3.1.1 (4); or one of them. @default auto */
  protocolVersion?: 'auto' | 4 | 5 | undefined
  /** With `persist-mqtt/file`: path of the JSON file. @default `<name>.json` in the current directory */
  file?: string | undefined
  /** Node only: path of a file that keeps saves until the backend confirms them, also if the program is killed. @default none */
  journal?: string | undefined
  /** Keeps the pool instead of a broker; then the store ignores url and topic. */
  backend?: Backend | undefined
  /** Where there is no pool: start an empty one, wait for `zero()` or for another writer, or fail. @default create */
  empty?: 'create' | 'wait' | 'fail' | undefined
  /** Values of variables that the pool does not have when it is opened. */
  defaults?: Partial<T> | undefined
  /**
   * Checks the whole pool when the store opens, when another writer has changed the pool, and before each save: any
   * Standard Schema (zod, valibot, arktype…). The variables have its types.
   */
  schema?: StandardSchema<T> | undefined
  /**
   * Where another writer's pool does not fit the schema. 'reject': opening fails and leaves the pool as it is; an open
   * store writes its own variables again (event 'heal'). 'accept': the store takes it. Both report an error. @default reject
   */
  onInvalid?: 'reject' | 'accept' | undefined
  /** Version of the pool's shape, a whole number from 1; kept in the pool as `$version`. */
  version?: number | undefined
  /** By version: makes this version's variables of those of the version before, `{ 2: (old) => … }`; may be async. */
  migrate?: Migrations | undefined
  /** With an MQTT broker: they show the variables elsewhere, as `homeAssistant()` does. @default none */
  integrations?: readonly Integration[] | undefined
  /** Saves every so many seconds if something has changed, from 5 on; 0: never. Between them: never, with a warning. @default 0 */
  saveEvery?: number | undefined
  /** Saves by itself after changes. @default false */
  autosave?: false | AutosaveOptions | undefined
  /** Saves at SIGINT, SIGTERM, SIGHUP and at the end of the event loop; in a browser when the page is hidden. @default true */
  saveOnExit?: boolean | undefined
  /** Follow the pool, never change it. @default false */
  readOnly?: boolean | undefined
  /**
   * 'tasmota': refuse what an ESP32 could not read back (32-bit integers, pool size), and publish the first pool at once
   * where there is none: a device waits for it.
   * @default none
   */
  compat?: 'tasmota' | undefined
  /** The largest pool that may be saved, in bytes; up to 16 MiB can be read. @default 16 MiB; for tasmota what a device reads */
  maxBytes?: number | undefined
  /** Opening fails after so many milliseconds; until then it is tried again where there is no broker yet. @default 10 000 */
  openTimeoutMs?: number | undefined
  /** A save fails after so many milliseconds. @default 30 000 */
  saveTimeoutMs?: number | undefined
  /** Whose value stays where this program and another writer changed the same variable. @default local */
  onConflict?: OnConflict | undefined
}

/** Options with which every variable that T requires is there: each has a default, or a schema sees to it. */
export type CompleteOptions<T extends object> = StoreOptions<T> & ({ defaults: T } | { schema: StandardSchema<T> })

/** Options without a default. */
type MayBeMissing = 'username' | 'password' | 'tls' | 'clientId' | 'file' | 'journal' | 'backend' | 'schema' | 'compat'

type Resolved<Options> = {
  readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined>
}

/** All options, with defaults and environment filled in. */
export interface ResolvedOptions
  extends Resolved<Omit<StoreOptions, 'autosave' | MayBeMissing>>,
    Readonly<Required<Pick<StoreOptions, MayBeMissing>>> {
  readonly autosave: false | Required<AutosaveOptions>
  /** This store changes a pool that it does not own, for an editor. */
  readonly isGuest: boolean
}

type Given = { readonly [Name in keyof StoreOptions]?: Exclude<StoreOptions[Name], undefined> }

export const DEFAULTS = {
  url: 'mqtt://localhost:1883',
  topic: 'stat/{name}/PersistMQTT',
  protocolVersion: 'auto',
  empty: 'create',
  onInvalid: 'reject',
  saveEvery: 0,
  autosave: false,
  saveOnExit: true,
  readOnly: false,
  openTimeoutMs: 10_000,
  saveTimeoutMs: 30_000,
  onConflict: 'local',
} as const

type Check = readonly [test: (value: unknown) => boolean, wants: string]

const text: Check = [(value) => typeof value === 'string', 'a string']
const yesOrNo: Check = [(value) => typeof value === 'boolean', 'true or false']
const object: Check = [(value) => typeof value === 'object' && value !== null, 'an object']
const func: Check = [(value) => typeof value === 'function', 'a function']
const oneOf = (...values: unknown[]): Check => [(value) => values.includes(value), `one of ${values.join(', ')}`]
const number = (least: number, most: number, wants: string): Check => [
  (value) => typeof value === 'number' && value >= least && value <= most,
  wants,
]
// setTimeout takes 32 bit; a longer time would fire at once.
const milliseconds = number(1, 2 ** 31 - 1, 'a number of milliseconds from 1 to 2147483647')

/** What every option must be. */
const CHECKS: { readonly [Name in keyof StoreOptions]-?: Check } = {
  url: [isUrl, 'a string or a list of strings'],
  username: text,
  password: text,
  tls: object,
  clientId: [isClientId, 'a string of 1 to 65535 bytes, without NUL'],
  name: text,
  topic: text,
  file: text,
  journal: [(value) => typeof value === 'string' && value !== '', 'the path of a file'],
  protocolVersion: oneOf('auto', 4, 5),
  backend: object,
  empty: oneOf('create', 'wait', 'fail'),
  defaults: object,
  schema: [
    (value) => typeof (value as StandardSchema | null)?.['~standard']?.validate === 'function',
    'a Standard Schema',
  ],
  version: [(value) => Number.isInteger(value) && (value as number) >= 1, 'a whole number from 1'],
  migrate: [isMigrations, 'an object with a function for each version: { 2: (old) => … }'],
  integrations: [isIntegrations, 'a list of integrations: [homeAssistant()]'],
  onInvalid: oneOf('reject', 'accept'),
  saveEvery: number(Number.NEGATIVE_INFINITY, (2 ** 31 - 1) / 1000, 'a number of seconds up to 2147483'),
  autosave: [
    (value) =>
      value === false ||
      (object[0](value) && ['delayMs', 'maxDelayMs'].every((name) => checkAutosave((value as never)[name], name))),
    'false or {delayMs, maxDelayMs}, in milliseconds',
  ],
  saveOnExit: yesOrNo,
  readOnly: yesOrNo,
  compat: oneOf('tasmota'),
  maxBytes: number(2, Number.MAX_SAFE_INTEGER, 'a number of bytes from 2'),
  openTimeoutMs: milliseconds,
  saveTimeoutMs: milliseconds,
  onConflict: [(value) => value === 'local' || value === 'remote' || func[0](value), "'local', 'remote' or a function"],
}

function isUrl(value: unknown): boolean {
  return text[0](value) || (Array.isArray(value) && value.length > 0 && value.every(text[0]))
}

/** A UTF-8 string (MQTT 5, 1.5.4); an empty one would have the broker choose (3.1.3.1). */
function isClientId(value: unknown): boolean {
  if (typeof value !== 'string' || /[\0\p{Surrogate}]/u.test(value)) return false
  const { length } = encodeText(value)
  return length >= 1 && length <= 65_535
}

function isMigrations(value: unknown): boolean {
  if (!object[0](value)) return false
  return Object.entries(value as object).every(
    ([key, step]) => Number.isInteger(Number(key)) && Number(key) >= 2 && func[0](step),
  )
}

function isIntegrations(value: unknown): boolean {
  const isOne = (one: Partial<Integration> | null) => typeof one?.name === 'string' && func[0](one.attach)
  return Array.isArray(value) && value.every(isOne)
}

function checkAutosave(value: unknown, name: string): boolean {
  return milliseconds[0](value) || (name === 'maxDelayMs' && value === undefined)
}

/**
 * Checks options, and fills in environment and defaults; neither keeps nor changes the given object.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION, naming the option, what it is and what it should be
 */
export function resolveOptions(given: StoreOptions<never>): ResolvedOptions {
  // Undefined counts as not given: `password: process.env.BROKER_PASSWORD`.
  const options: Given = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  for (const [name, value] of Object.entries(options)) {
    const check = CHECKS[name as keyof StoreOptions]
    if (!Object.hasOwn(CHECKS, name)) {
      const meant = similarTo(name, Object.keys(CHECKS))
      throw optionError(name, `there is no such option${meant ? `; did you mean ${meant}?` : ''}`)
    }
    if (!check[0](value)) throw optionError(name, `it must be ${check[1]}, not ${printable(name, value)}`)
  }
  const env = globalThis.process?.env ?? {}
  const name = options.name ?? (env.PERSIST_NAME || undefined)
  if (options.backend === undefined && name === undefined) {
    throw optionError('name', 'every program needs one of its own: pass name, or set $PERSIST_NAME')
  }
  const topic = (options.topic ?? DEFAULTS.topic).replaceAll('{name}', name ?? '')
  for (const name of Object.keys(options.defaults ?? {})) {
    const reason = reservedBecause(name)
    if (reason !== undefined)
      throw optionError('defaults', `no variable can be called ${JSON.stringify(name)}: ${reason}`)
  }
  if (options.migrate !== undefined && options.version === undefined) {
    throw optionError('migrate', 'it needs version, the one to migrate to')
  }
  if (options.integrations?.length && (options.backend !== undefined || options.readOnly)) {
    throw optionError(
      'integrations',
      'it is for the owner of a pool at an MQTT broker: not with backend, nor with readOnly',
    )
  }
  if (options.backend === undefined) {
    const unfit = unfitForName(name as string, options.topic ?? DEFAULTS.topic)
    if (unfit !== undefined) throw optionError('name', unfit)
    checkTopic(topic, options.topic === undefined ? 'name' : 'topic')
  }
  const url = options.url ?? (env.MQTT_URL || DEFAULTS.url)
  // A user in a url takes the place of the environment's.
  const login = [url].flat().some(namesUser) ? {} : env
  return {
    ...DEFAULTS,
    ...options,
    url: typeof url === 'string' ? url : [...url],
    username: (options.username ?? login.MQTT_USERNAME) || undefined,
    password: (options.password ?? login.MQTT_PASSWORD) || undefined,
    name: name ?? 'store',
    topic,
    tls: options.tls && { ...options.tls },
    clientId: options.clientId,
    file: options.file,
    journal: options.journal,
    backend: options.backend,
    defaults: { ...options.defaults },
    version: options.version ?? 0,
    schema: options.schema,
    migrate: { ...options.migrate },
    compat: options.compat,
    integrations: [...(options.integrations ?? [])],
    maxBytes: options.maxBytes ?? (options.compat === 'tasmota' ? deviceLimit(topic) : MAX_POOL_BYTES),
    isGuest: false,
    autosave: options.autosave ? resolveAutosave(options.autosave) : false,
  }
}

function resolveAutosave({ delayMs, maxDelayMs = delayMs * 10 }: AutosaveOptions): Required<AutosaveOptions> {
  return { delayMs, maxDelayMs }
}

/** MQTT 5, 4.7.3: a topic has 1 to 65,535 bytes. */
function checkTopic(topic: string, option: string): void {
  const unfit = unfitForTopic(topic)
  if (unfit !== undefined) throw optionError(option, unfit)
  const bytes = encodeText(topic).length
  // The fence's topic below it needs some bytes more.
  if (bytes === 0 || bytes > 65_000) throw optionError(option, `the topic must have 1 to 65000 bytes, not ${bytes}`)
}

function printable(name: string, value: unknown): string {
  if (name === 'password') return `a value of type ${typeof value}`
  if (typeof value === 'string') return `the string ${JSON.stringify(value)}`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
