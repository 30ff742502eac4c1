import { openStore } from '../../index.ts'
import type { Context } from '../command.ts'
import { embeddedBroker } from '../embedded-broker.ts'
import { EXIT, type ExitCode } from '../io.ts'

/** What the demo keeps. */
interface Pool {
  starts: number
  seconds: number
  log: { starts: { at: string; pid: number }[] }
}

/** `persist-mqtt demo`: a broker and a store in one program. End it in any way, start it again, and it goes on. */
export async function demo(context: Context): Promise<ExitCode> {
  const { io } = context
  const { PERSIST_DATA, PERSIST_PORT, PERSIST_WS_PORT } = io.env
  const directory = context.value('data') ?? PERSIST_DATA ?? '.persist-mqtt'
  const port = (flag: string, variable: string | undefined, fallback: number) =>
    context.number(flag, { least: 0, most: 65_535, fallback: Number(variable ?? fallback) })
  const start = await embeddedBroker()
  const broker = await start({
    directory,
    port: port('port', PERSIST_PORT, 1883),
    webSocketPort: port('ws-port', PERSIST_WS_PORT, 9001),
    portFallback: true,
    onWarning: (text) => io.err(text),
  })
  const defaults: Pool = { starts: 0, seconds: 0, log: { starts: [] } }
  const pt = await openStore<Pool>({ url: broker.url, name: 'demo', defaults, saveOnExit: false })
  pt.starts += 1
  pt.log.starts.push({ at: new Date().toISOString(), pid: io.pid })
  if (pt.log.starts.length > 10) pt.log.starts.shift()
  await pt.save()
  io.out(`Start number ${pt.starts}, ${pt.seconds} seconds counted so far.

  Broker     ${broker.url} and ${broker.webSocketUrl}, its messages kept in ${directory}
  See it     npx persist-mqtt watch --url ${broker.url}
  Change it  npx persist-mqtt set demo seconds 1000 --url ${broker.url}

Counting. Press Ctrl-C, or kill -9 ${io.pid} at any moment, and start it again: it goes on where it was.`)
  const timer = setInterval(() => {
    pt.seconds += 1
    void pt.save()
    // A terminal shows the last second only; a log file is spared.
    if (io.stdout.isTTY) io.stdout.write(`\r${pt.seconds} seconds `)
  }, 1000)
  const { signal } = io
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  clearInterval(timer)
  await pt.$close()
  await broker.close()
  io.out(`${io.stdout.isTTY ? '\n' : ''}Stopped at ${pt.seconds} seconds.`)
  return EXIT.ok
}
