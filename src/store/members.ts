import type { JsonObject } from '../format/json.ts'
import type { StoreEvents } from './events.ts'
import type { Status } from './status.ts'

/** What a store can do, but for looking up variables by name. */
interface StoreActions<T extends object> {
  /**
   * Saves the variables; resolves when the backend really holds them as they were at the time of the call.
   *
   * Sends nothing when nothing has changed. A failure is also an 'error' event, so it need not be awaited.
   * @throws {PersistError} ERR_PERSIST_TIMEOUT, _DENIED, _TOO_LARGE, _SCHEMA, _NOT_READY, _READ_ONLY, _CLOSED
   */
  save(): Promise<void>
  /** Saves every so many seconds if something has changed; less than 5 turns it off. */
  saveEvery(seconds: number): void
  /** Removes a variable; nothing happens if it is not there. */
  remove(name: string): void
  /**
   * Starts an empty pool where there is none; with `true`, clears one that is in use. Resolves when that is saved.
   *
   * @throws {PersistError} ERR_PERSIST_NEEDS_FORCE at once, and nothing is changed
   */
  zero(force?: true): Promise<void>
  /** The next save sends, even if nothing has changed. */
  dirty(): void
  /** Are the variables here? */
  ready(): boolean
  /** Runs a function in a later tick, once the variables are here; the promise has its result or its error. */
  exec<Result>(fn: (pt: this) => Result): Promise<Awaited<Result>>
  /** Is a newer version published, and how is it installed? For a person at a terminal. */
  selfUpdate(): Promise<{ current: string; latest: string; newer: boolean; command: string }>
  /** Listens to an event; the result stops it. */
  $on<Name extends keyof StoreEvents>(event: Name, listener: (event: StoreEvents[Name]) => void): () => void
  /** All variables as a frozen copy; what has not changed since the last one is the same object. */
  $snapshot(): Readonly<T>
  /** Calls a function after every change, for `useSyncExternalStore` and the like; the result stops it. */
  $subscribe(listener: () => void): () => void
  /** What the store is doing. */
  readonly $status: Status
  /** Saves what is unsaved, then lets go of the backend. */
  $close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
  /** For JSON.stringify. */
  toJSON(): T
}

/** What a store can do; all its other properties are variables. */
export interface StoreMembers<T extends object = JsonObject> extends StoreActions<T> {
  /** Is there such a variable? With a fallback: its value, or the fallback. */
  has(name: string): boolean
  has<Name extends string, Fallback>(name: Name, fallback: Fallback): Value<T, Name> | Fallback
  /** The value of a variable, whatever its name is, or the fallback. */
  find<Name extends string>(name: Name): Value<T, Name> | undefined
  find<Name extends string, Fallback>(name: Name, fallback: Fallback): Value<T, Name> | Fallback
}

type Value<T, Name> = Name extends keyof T ? T[Name] : string extends keyof T ? T[keyof T & string] : unknown

/** The names that no variable can have in a program: what a store can do, and what every JavaScript object has. */
export type ReservedName = (keyof StoreMembers & string) | '__proto__' | 'constructor' | ''

/** Requires that no variable has a reserved name: such a type does not compile. */
export type VariablesOf<T> = { [Name in keyof T]: Name extends ReservedName | `$${string}` ? never : T[Name] }

/** A store whose variables are not declared: every name is a variable of any value. */
export interface LooseStore extends StoreActions<JsonObject> {
  has(name: string): boolean
  // biome-ignore lint/suspicious/noExplicitAny: as for the variables below
  has(name: string, fallback: unknown): any
  // biome-ignore lint/suspicious/noExplicitAny: pt.find('counter', 0) + 1 must compile as well
  find(name: string, fallback?: unknown): any
  // biome-ignore lint/suspicious/noExplicitAny: pt.counter += 1 must compile without a declaration of counter
  [variable: string]: any
}

/** A store: its variables are its properties. */
export type Store<T extends object = JsonObject> = string extends keyof T ? LooseStore : StoreMembers<T> & T

const MEMBER_NAMES: { readonly [Name in ReservedName]: true } = {
  save: true,
  saveEvery: true,
  has: true,
  find: true,
  remove: true,
  zero: true,
  dirty: true,
  ready: true,
  exec: true,
  selfUpdate: true,
  $on: true,
  $snapshot: true,
  $subscribe: true,
  $status: true,
  $close: true,
  toJSON: true,
  constructor: true,
  '': true,
  ['__proto__']: true,
}

/** Every reserved name. */
export const RESERVED_NAMES: readonly string[] = Object.keys(MEMBER_NAMES)

const reserved = new Set(RESERVED_NAMES)

/** Does `pt.<name>` mean something else than a variable? `find(name)` reads a variable that another writer called so. */
export function isReservedName(name: string): boolean {
  return reserved.has(name)
}

/** Why a program may not make a variable of this name; undefined: it may. */
export function reservedBecause(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name === '__proto__' || name === 'constructor') return 'every JavaScript object has it'
  if (isReservedName(name)) return `pt.${name} is a member of the store`
  // Members that are added later begin with $, so that no variable has to be renamed for them.
  return name.startsWith('$') ? 'names that begin with $ are for members of the store' : undefined
}
