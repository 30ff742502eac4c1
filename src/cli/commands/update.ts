import { selfUpdate } from '../../node/self-update.ts'
import type { Context } from '../command.ts'
import { EXIT, type ExitCode } from '../io.ts'

/** `persist-mqtt update`: is a newer version published, and how to get it. */
export async function update({ io, has }: Context): Promise<ExitCode> {
  const found = await selfUpdate()
  const { current, latest, newer, command } = found
  if (has('json')) io.out(JSON.stringify(found))
  else if (newer) io.out(`${latest} is published, this is ${current}. To install it:\n  ${command}`)
  else if (latest === current) io.out(`${current} is the latest version.`)
  else io.out(`This is ${current}; the latest that is published is ${latest}.`)
  return EXIT.ok
}
