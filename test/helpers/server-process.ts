import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { atExit } from './at-exit.ts'
import { freePort } from './free-port.ts'
import type { RunningBroker } from './running-broker.ts'
import { waitFor, waitForEvent, within } from './wait.ts'

export interface ServerProgram {
  command: string
  args: string[]
  port: number
  /** Whether its port speaks TLS: then being able to connect has to do as a sign of life. */
  tls?: boolean
  /** How long it may take to answer, in ms. @default 10 000 */
  limitMs?: number
}

// Another process may take a port that was free a moment ago.
const ATTEMPTS = 3

/** Starts a server at a free port, given by `prepare`, and waits until it answers. */
export async function startServer(
  prepare: (port: number) => ServerProgram,
): Promise<Omit<RunningBroker, 'url'> & { pid(): number | undefined }> {
  let output = ''
  let child: ChildProcess | undefined
  let program = prepare(await freePort())

  const start = async () => {
    const started = spawn(program.command, program.args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    atExit(() => started.kill('SIGKILL'))
    for (const stream of [started.stdout, started.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    const failed = once(started, 'exit').then(() => {
      throw new Error(`${program.command} ended by itself:\n${output}`)
    })
    failed.catch(() => {})
    const what = `${program.command} to answer at port ${program.port}`
    await Promise.race([waitFor(() => answers(program), { what, limitMs: program.limitMs ?? 10_000 }), failed])
  }
  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const ended = waitForEvent(running, 'exit', { what: `the end of ${program.command}`, limitMs: 10_000 })
    running.kill(signal)
    await ended
  }

  for (let attempt = 1; ; attempt++) {
    try {
      await start()
      break
    } catch (error) {
      await kill()
      if (attempt === ATTEMPTS || !/address already in use/i.test(output)) throw error
      program = prepare(await freePort())
    }
  }
  return {
    port: program.port,
    pid: () => child?.pid,
    log: () => output,
    kill,
    restart: async () => {
      await kill('SIGTERM')
      await start()
    },
    stop: () => kill('SIGTERM'),
  }
}

// CONNECT of MQTT 3.1.1 with a clean session and no client id: any CONNACK, a refusal too, says that the broker is up.
const CONNECT = Buffer.from([0x10, 12, 0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 10, 0, 0])
const CONNACK = 0x20

async function answers({ port, tls = false }: ServerProgram): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await within(once(socket, 'connect'), { what: 'a connection', limitMs: 1000 })
    if (tls) return true
    socket.write(CONNECT)
    const [bytes] = await within(once(socket, 'data'), { what: 'a CONNACK', limitMs: 2000 })
    return bytes[0] === CONNACK
  } finally {
    socket.destroy()
  }
}
