import { join } from 'node:path'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { type Program, runProgram } from '../run-program.ts'
import { ROOT } from '../snippets.ts'

export const BIN: string = join(ROOT, 'bin/persist-mqtt.js')

/** How a command ended, and all that it printed. */
export interface Ended {
  readonly code: unknown
  readonly out: string
  readonly err: string
}

/** A command line for one broker, with no config file, and nothing of the environment but this. */
export class Cli {
  readonly home: string = temporaryDirectory()
  readonly #env: NodeJS.ProcessEnv

  constructor(url: string, env: NodeJS.ProcessEnv = {}) {
    this.#env = { HOME: this.home, MQTT_URL: url, TZ: 'UTC', ...env }
  }

  /** Starts `persist-mqtt` with these arguments; it ends with the test. */
  start(...args: string[]): Program {
    return runProgram(BIN, args, this.home, this.#env)
  }

  /** Runs it to its end. */
  async run(...args: string[]): Promise<Ended> {
    const program = this.start(...args)
    const code = await program.ended()
    return { code, out: program.stdout(), err: program.stderr() }
  }

  /** What it prints; fails where it fails. */
  async out(...args: string[]): Promise<string> {
    const { code, out, err } = await this.run(...args)
    if (code !== 0) throw new Error(`persist-mqtt ${args.join(' ')} ended with ${code}: ${err}`)
    return out
  }
}
