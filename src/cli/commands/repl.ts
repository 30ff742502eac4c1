import { closeSync, fchmodSync, mkdirSync, openSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type REPLServer, start } from 'node:repl'
import { inspect } from 'node:util'
import { TAKE_OVER_ADVICE } from '../../format/device.ts'
import { type Editor, type LooseStore, openEditor, openStore, RESERVED_NAMES } from '../../index.ts'
import type { OwnerKind } from '../../pools/owners.ts'
import { PersistError, reasonOf } from '../../runtime/errors.ts'
import type { Context } from '../command.ts'
import { EXIT, type ExitCode, type Io } from '../io.ts'
import { coloured, counted, printable, shortJson } from '../print.ts'

/** What can be written after `pt.`. */
const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u
const MEMBERS = RESERVED_NAMES.filter((name) => name !== 'constructor' && NAME.test(name) && !name.startsWith('_'))

/** `persist-mqtt repl`: a console with the pool in it as `pt`. */
export async function repl(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const [name = ''] = args
  const pools = context.pools()
  const { bytes, owner } = await pools.read(name)
  const mayOwn = owner === 'none' || context.has('own') || (owner === 'device' && context.has('force'))
  const options = pools.optionsOf(name)
  const { answerTimeoutMs: _, ...place } = options
  const pt: LooseStore = await openStore({ ...place, saveOnExit: false, readOnly: !mayOwn })
  const editor = await openEditor(options)
  try {
    if (io.stdin.isTTY) io.out(banner(context, { owner, mayOwn, isNew: bytes === null, count: Object.keys(pt).length }))
    const hasFailed = await new Console(io, name, pt, editor).ended
    return hasFailed ? EXIT.failed : EXIT.ok
  } finally {
    await editor.close()
    const isUnsaved = 'unsaved' in pt.$status && pt.$status.unsaved === true
    await pt.$close()
    if (isUnsaved) io.err('Saved.')
  }
}

interface Facts {
  readonly owner: OwnerKind
  readonly mayOwn: boolean
  readonly isNew: boolean
  readonly count: number
}

function banner({ io, args }: Context, { owner, mayOwn, isNew, count }: Facts): string {
  const [name = ''] = args
  const size = isNew ? 'a new pool' : counted(count, 'variable')
  const who = {
    none: 'Nobody owns it: pt.x = 1 changes it, and pt.save() saves.',
    program: mayOwn
      ? 'It was taken over from the program that owned it.'
      : 'A program owns it: pt shows it, await editor.patch({ x: 1 }) changes it.',
    device: mayOwn
      ? `A device owns it and does not listen: change it, ${TAKE_OVER_ADVICE}.`
      : 'A device owns it and does not listen: pt shows it.',
  }[owner]
  return `${coloured(io, 'bold', printable(name))}: ${size}. ${who}\nTab completes, .exit ends it.`
}

/** Node's console; errors take one line, and changes by others are printed above the prompt. */
class Console {
  /** Resolves when the console ends: has anything failed without a terminal that showed it? */
  readonly ended: Promise<boolean>
  readonly #io: Io
  readonly #server: REPLServer
  #hasFailed = false

  constructor(io: Io, name: string, pt: LooseStore, editor: Editor) {
    this.#io = io
    const isTerminal = io.stdin.isTTY === true && io.stdout.isTTY === true
    const server = start({
      prompt: isTerminal ? `${printable(name)}> ` : '',
      input: io.stdin,
      output: io.stdout,
      terminal: isTerminal,
      useColors: io.hasColours,
      ignoreUndefined: true,
      // A preview evaluates unfinished lines, which may change the pool.
      preview: false,
      writer: (value: unknown) => this.#written(value),
    })
    this.#server = server
    Object.assign(server.context, { pt, editor })
    this.#complete(pt)
    if (isTerminal) {
      pt.$on('change', ({ name: variable, previous, value, origin }) => {
        if (origin === 'remote')
          this.#above(`${coloured(io, 'cyan', printable(variable))}  ${shortJson(previous)} → ${shortJson(value)}`)
      })
      this.#remember()
    }
    pt.$on('error', (error) => this.#above(coloured(io, 'red', printable(error.message))))
    this.ended = new Promise((resolve) => server.once('exit', () => resolve(this.#hasFailed && !isTerminal)))
  }

  /** A value as JavaScript writes it; of an error the message alone, without the stack. */
  #written(value: unknown): string {
    const { hasColours } = this.#io
    if (!(value instanceof Error)) return inspect(value, { colors: hasColours, depth: 10 })
    this.#hasFailed = true
    return coloured(this.#io, 'red', printable(shortened(value)))
  }

  /** Completes `pt.`: Node's own completion does not read the names of a proxy. */
  #complete(pt: LooseStore): void {
    const server = this.#server
    const { completer } = server
    Object.assign(server, {
      completer: (line: string, done: (error: Error | null, found: [hits: string[], part: string]) => void) => {
        const [part, start] = /\bpt\.([\w$]*)$/.exec(line) ?? []
        if (part === undefined || start === undefined) return completer.call(server, line, done as never)
        const names = [...Object.keys(pt).filter((name) => NAME.test(name)), ...MEMBERS]
        done(null, [names.filter((name) => name.startsWith(start)).map((name) => `pt.${name}`), part])
      },
    })
  }

  #above(line: string): void {
    const { terminal } = this.#server
    if (!terminal) {
      this.#io.err(line)
      return
    }
    this.#io.stdout.write(`\r\u001b[K${line}\n`)
    this.#server.displayPrompt(true)
  }

  /** Keeps the lines of earlier sessions, in a file that only this user can read. */
  #remember(): void {
    const { env } = this.#io
    const state = env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state')
    const file = join(state, 'persist-mqtt', 'history')
    try {
      // At once: a line that is typed before Node has begun with that is not kept.
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      const handle = openSync(file, 'a', 0o600)
      fchmodSync(handle, 0o600)
      closeSync(handle)
      this.#server.setupHistory(file, () => {})
    } catch {
      // Without that file the console works all the same.
    }
  }
}

function shortened(error: unknown): string {
  // Errors of the console come from another realm; both have name and message.
  if (error instanceof PersistError) return `${error.code}: ${error.message}`
  const name = error instanceof Error ? error.name : 'Error'
  return `${name}: ${reasonOf(error)}`
}
