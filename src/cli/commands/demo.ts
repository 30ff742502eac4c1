import { openStore } from '../../index.ts'
import { type Inspector, startInspector } from '../../inspector/server.ts'
import { Pools } from '../../pools/pools.ts'
import { codeOf } from '../../runtime/errors.ts'
import { aborted } from '../../runtime/promises.ts'
import type { Context } from '../command.ts'
import { embeddedBroker } from '../embedded-broker.ts'
import { portOf } from '../flags.ts'
import { EXIT, type ExitCode } from '../io.ts'

/** What the demo keeps. */
interface Pool {
  starts: number
  seconds: number
  log: { starts: { at: string; pid: number }[] }
}

/** `persist-mqtt demo`: broker, store and inspector in one program. End it in any way, start it again, and it goes on. */
export async function demo(context: Context): Promise<ExitCode> {
  const { io } = context
  // Read first: then a signal during the start ends the command in order, too.
  const { signal } = io
  const isJson = context.has('json')
  const directory = context.value('data') ?? (io.env.PERSIST_DATA || '.persist-mqtt')
  const start = await embeddedBroker('demo')
  const broker = await start({
    directory,
    port: portOf(context, 'port', 1883, 'PERSIST_PORT'),
    webSocketPort: portOf(context, 'ws-port', 9001, 'PERSIST_WS_PORT'),
    portFallback: true,
    onWarning: (text) => io.err(text),
  })
  const defaults: Pool = { starts: 0, seconds: 0, log: { starts: [] } }
  const pt = await openStore<Pool>({ url: broker.url, name: 'demo', defaults, saveOnExit: false })
  pt.starts += 1
  pt.log.starts.push({ at: new Date().toISOString(), pid: io.pid })
  if (pt.log.starts.length > 10) pt.log.starts.shift()
  await pt.save()
  const { url, webSocketUrl } = broker
  const inspector = await inspectorOf(url, portOf(context, 'inspect-port', 4883, 'PERSIST_INSPECT_PORT'))
  const about = { url, webSocketUrl, inspector: inspector.url, directory }
  if (isJson) io.out(JSON.stringify({ starts: pt.starts, seconds: pt.seconds, ...about }))
  else
    io.out(`Start number ${pt.starts}, ${pt.seconds} seconds counted so far.

  Broker     ${url} and ${webSocketUrl}, its messages kept in ${directory}
  See it     ${inspector.url}
  Watch it   npx persist-mqtt watch --url ${url}
  Change it  npx persist-mqtt set demo seconds 1000 --url ${url}

Counting. Press Ctrl-C, or kill -9 ${io.pid} at any moment, and start it again: it goes on where it was.`)
  const timer = setInterval(() => {
    pt.seconds += 1
    void pt.save()
    // A terminal shows the last second only; a log file is spared.
    if (io.stdout.isTTY && !isJson) io.stdout.write(`\r${pt.seconds} seconds `)
  }, 1000)
  await aborted(signal)
  clearInterval(timer)
  await inspector.close()
  await pt.$close()
  await broker.close()
  if (isJson) io.out(JSON.stringify({ seconds: pt.seconds }))
  else io.out(`${io.stdout.isTTY ? '\n' : ''}Stopped at ${pt.seconds} seconds.`)
  return EXIT.ok
}

/** Starts the inspector at a port, or at any free one where that is taken. */
async function inspectorOf(url: string, port: number): Promise<Inspector> {
  // The demo's own broker asks for no user and no password.
  const options = { pools: new Pools({ url, username: '', password: '' }), host: '127.0.0.1', isReadOnly: false }
  try {
    return await startInspector({ ...options, port })
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    return startInspector({ ...options, port: 0 })
  }
}
