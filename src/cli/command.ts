import type { Pools } from '../pools/pools.ts'
import type { ExitCode, Io } from './io.ts'

/** A flag of a command, as `node:util` parseArgs takes it, and for its help. */
export interface Flag {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  /** May be given several times. */
  readonly multiple?: true
  /** What stands for its value in the help: `FILE`. */
  readonly value?: string
  readonly help: string
}

export type Flags = Readonly<Record<string, Flag>>

/** What a command is called with. */
export interface Context {
  readonly io: Io
  /** All commands that there are. */
  readonly commands: readonly Command[]
  /** The arguments after the command's name that are no flags. */
  readonly args: readonly string[]
  /** Is this flag given? */
  has(flag: string): boolean
  /** The value of a flag; undefined: it is not given. */
  value(flag: string): string | undefined
  /** All values of a flag that may be given several times. */
  all(flag: string): readonly string[]
  /**
   * A flag's value as a number.
   *
   * @throws {CliError} EXIT.usage: it is no number, or out of range
   */
  number(flag: string, range: { least: number; most: number; fallback: number }): number
  /** The pools on the broker that flags, environment and config file name; the same object at each call. */
  pools(): Pools
  /** The pools on the broker that --to-url or --to-broker names; undefined: neither is given. */
  otherPools(): Pools | undefined
}

export type Run = (context: Context) => Promise<ExitCode>

/** A command of the table. */
export interface Command {
  readonly name: string
  /** What stands after its name: `NAME [VARIABLE]`. */
  readonly usage: string
  /** One line. */
  readonly summary: string
  /** More about it, for its own help: lines of at most 80 characters. */
  readonly details?: string
  /** How many arguments there must be. */
  readonly least: number
  readonly most: number
  readonly flags: Flags
  /** The command connects to a broker, and takes the flags that say to which. */
  readonly isConnected: boolean
  /** It has several connections at a time, so that they cannot have a client id that is given. */
  readonly hasManyConnections?: true
  load(): Promise<Run>
}
