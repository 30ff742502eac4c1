// For Symbol.asyncDispose, also in programs that are compiled for an older library.
/// <reference lib="esnext.disposable" preserve="true" />
import type { JsonObject, JsonValue } from '../format/json.ts'
import { REVISION_NAME } from '../format/revision.ts'
import type { StoreEvents } from './events.ts'
import type { Status } from './status.ts'

/** The members of every store, but for those that look up variables by name. */
interface StoreActions<T extends object> {
  /**
   * Saves the variables; resolves when the backend has proved to hold them as they were at the call, or newer.
   *
   * Writes nothing where nothing has changed. A failure is an 'error' event too, so a program need not await it.
   * @throws {PersistError} ERR_PERSIST_TIMEOUT, _DENIED, _TOO_LARGE, _SCHEMA, _NOT_READY, _READ_ONLY, _CLOSED
   */
  save(): Promise<void>
  /** Saves every so many seconds if something has changed; less than 5 turns it off. */
  saveEvery(seconds: number): void
  /** Removes a variable, if there is one. */
  remove(name: string): void
  /**
   * Starts an empty pool where there is none; with `true`, clears one that is in use. Resolves when that is saved.
   *
   * @throws {PersistError} ERR_PERSIST_NEEDS_FORCE at once, and changes nothing; rejects as save()
   */
  zero(force?: true): Promise<void>
  /** The next save writes, even if nothing has changed. */
  dirty(): void
  /** Is the store open, so that its variables can be used? */
  ready(): boolean
  /** Runs a function in a later tick, once the store is open; settles as the function does, rejects if opening fails. */
  exec<Result>(fn: (pt: this) => Result): Promise<Awaited<Result>>
  /** Which version of persist-mqtt is published, and the command that installs it: for a person at a terminal. */
  selfUpdate(): Promise<{ current: string; latest: string; newer: boolean; command: string }>
  /** Listens to an event; returns a function that stops it. */
  $on<Name extends keyof StoreEvents>(event: Name, listener: (event: StoreEvents<T>[Name]) => void): () => void
  /** All variables as a frozen copy, which shares unchanged objects with the copy before. */
  $snapshot(): Readonly<T>
  /** Calls a function after every change, for React's `useSyncExternalStore`; returns a function that stops it. */
  $subscribe(listener: () => void): () => void
  /** Whether the store is open, where its pool is, what went wrong last. */
  readonly $status: Status
  /** Saves what is unsaved, then closes the backend; rejects as save(), and has closed it even so. */
  $close(): Promise<void>
  /** `$close()`, at the end of a block with `await using pt = await openStore()`. */
  [Symbol.asyncDispose](): Promise<void>
  /** For JSON.stringify. */
  toJSON(): T
}

/** A store's members; all its other properties are variables. */
export interface StoreMembers<T extends object = JsonObject> extends StoreActions<T> {
  /** Is there such a variable? With a fallback: its value, or the fallback. */
  has(name: string): boolean
  has<Name extends keyof T & string>(name: Name, fallback: Found<T, Name>): Found<T, Name>
  has<Name extends string, Fallback>(name: Name, fallback: Fallback): Found<T, Name> | Fallback
  /** The value of a variable, whatever its name is, or the fallback. */
  find<Name extends string>(name: Name): Found<T, Name> | undefined
  find<Name extends keyof T & string>(name: Name, fallback: Found<T, Name>): Found<T, Name>
  find<Name extends string, Fallback>(name: Name, fallback: Fallback): Found<T, Name> | Fallback
}

/** The type of a variable that is there. */
type Found<T, Name> = Name extends keyof T
  ? Exclude<T[Name], undefined>
  : string extends keyof T
    ? T[keyof T & string]
    : unknown

/** The names that no variable can have: members of the store, and what every JavaScript object has. */
export type ReservedName = (keyof StoreMembers & string) | '__proto__' | 'constructor' | ''

/** T, where every variable has a name that it may have, and a type of JSON; others have the type never, and do not compile. */
export type VariablesOf<T> = {
  [Name in keyof T]: Name extends ReservedName | `$${string}` ? never : Storable<T[Name]>
}

/**
 * Value, where it is JSON. A function is none, and so no object with methods is (a Date, a Map); what is declared as any
 * or unknown is checked at run time only. Interfaces have no index signature, so their members are looked at one by one.
 */
type Storable<Value> = unknown extends Value
  ? Value
  : Value extends JsonValue | undefined
    ? Value
    : Value extends bigint | symbol | ((...args: never) => unknown)
      ? never
      : { [Name in keyof Value]: Storable<Value[Name]> }

/** A store whose variables are not declared: every name is a variable of any value. */
export interface LooseStore extends StoreActions<JsonObject> {
  /** Is there such a variable? */
  has(name: string): boolean
  /** The value of a variable, or the fallback where there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: as for the variables below
  has(name: string, fallback: unknown): any
  /** The value of a variable, whatever its name is; where there is none the fallback, or undefined. */
  // biome-ignore lint/suspicious/noExplicitAny: pt.find('counter', 0) + 1 must compile as well
  find(name: string, fallback?: unknown): any
  /** A variable; undefined: there is none of this name. */
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
  if (name === REVISION_NAME) return 'a pool has its revision there'
  if (isReservedName(name)) return `pt.${name} is a member of the store`
  // Members that are added later begin with $, so that no variable has to be renamed for them.
  return name.startsWith('$') ? 'names that begin with $ are for members of the store' : undefined
}
