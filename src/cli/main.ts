import process from 'node:process'
import type { Io } from './io.ts'
import { run } from './run.ts'

// The only file of the command line that touches the process.

const { stdin, stdout, stderr, env } = process
const [, , ...argv] = process.argv

// A url with a password on the command line is not for everybody who runs `ps`.
process.title = `persist-mqtt ${argv[0] ?? ''}`.trimEnd()

// Who reads us may end first: `persist-mqtt ls | head`.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const interrupted = new AbortController()
/** The command looks at the signal, and so ends by itself. */
let isHandled = false
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    // A second one does not wait for anything.
    if (!isHandled || interrupted.signal.aborted) process.exit(code)
    interrupted.abort()
  })
}

const line = (text: string) => (text.endsWith('\n') ? text : `${text}\n`)
const io: Io = {
  out: (text) => void stdout.write(line(text)),
  err: (text) => void stderr.write(line(text)),
  stdin,
  stdout,
  stderr,
  isInteractive: stdin.isTTY === true && stderr.isTTY === true,
  hasColours: stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
  pid: process.pid,
  env,
  get signal() {
    isHandled = true
    return interrupted.signal
  },
}

// Connections keep no process alive by themselves; a command does, until it is done.
const alive = setInterval(() => {}, 2 ** 30)
const code = await run(argv, io)
clearInterval(alive)
// Set, not called: what is still to be written goes out.
process.exitCode = code
