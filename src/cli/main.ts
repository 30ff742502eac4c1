import process from 'node:process'
import type { Io } from './io.ts'
import { run } from './run.ts'

// The only file of the command line that touches the process.

const { stdin, stdout, stderr, env } = process
const [, , ...argv] = process.argv

// The command line may have a URL with a password in it: `ps` must not show that to other users.
process.title = `persist-mqtt ${argv[0] ?? ''}`.trimEnd()

// The reader of a pipe may end first: `persist-mqtt ls | head`.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const interrupted = new AbortController()
/** The command has read the abort signal, and so ends by itself. */
let isHandled = false
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    // A second signal ends the process at once.
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

// Connections do not keep the process alive; this timer does, until the command is done.
const alive = setInterval(() => {}, 2 ** 30)
const code = await run(argv, io)
clearInterval(alive)
// Not process.exit(), which would lose output that is not written yet.
process.exitCode = code
