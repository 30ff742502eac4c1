import { startInspector } from '../../inspector/server.ts'
import { codeOf } from '../../runtime/errors.ts'
import { aborted } from '../../runtime/promises.ts'
import { fileText } from '../backup-file.ts'
import type { Context } from '../command.ts'
import { portOf, tlsOf } from '../flags.ts'
import { CliError, EXIT, type ExitCode } from '../io.ts'
import { coloured } from '../print.ts'

/** `persist-mqtt inspect`: a page with all pools. */
export async function inspect(context: Context): Promise<ExitCode> {
  const { io } = context
  // Read first: then a signal during the start ends the command in order, too.
  const { signal } = io
  const pools = context.pools()
  const tls = await tlsOf(context)
  const passwordFile = context.value('page-password-file')
  const password = passwordFile === undefined ? undefined : (await fileText(passwordFile)).replace(/\r?\n$/, '')
  if (password === '')
    throw new CliError(EXIT.failed, `${passwordFile} is empty: it must have the password of the page.`)
  const port = portOf(context, 'port', 4883)
  const inspector = await startInspector({
    pools,
    port,
    host: context.value('host') ?? '127.0.0.1',
    isReadOnly: context.has('read-only'),
    password,
    names: context.all('allow-host').map((name) => name.toLowerCase()),
    tls,
  }).catch((error: unknown) => {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    throw new CliError(EXIT.failed, `Port ${port} is taken; choose another one: --port PORT`)
  })
  const { url, livePools } = inspector
  if (context.has('json')) io.out(JSON.stringify({ url, broker: pools.place, pools: livePools.names.length }))
  else io.out(`Inspecting ${pools.place}: ${coloured(io, 'bold', url)}\nCtrl-C ends it.`)
  await Promise.race([aborted(signal), inspector.ended])
  await inspector.close()
  return EXIT.ok
}
