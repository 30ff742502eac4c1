import { deviceLimit } from '../../format/device.ts'
import { decodePayload } from '../../format/payload.ts'
import { nameCheck } from '../../pools/doctor/name-check.ts'
import { type Check, examine } from '../../pools/doctor.ts'
import type { Context } from '../command.ts'
import { EXIT, type ExitCode } from '../io.ts'
import { coloured, counted, printable } from '../print.ts'

const MARKS = { ok: ['green', 'ok     '], warning: ['yellow', 'warning'], failed: ['red', 'failed '] } as const

/** `persist-mqtt doctor`: which guarantees this broker gives. */
export async function doctor(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const checks: Check[] = []
  const isJson = context.has('json')
  const told = (check: Check) => {
    checks.push(check)
    if (isJson) return
    const [style, mark] = MARKS[check.result]
    const line = `${coloured(io, style, mark)}  ${check.name.padEnd(10)}  ${printable(check.seen)}`
    io.out(check.advice === undefined ? line : `${line}\n${' '.repeat(21)}→ ${printable(check.advice)}`)
  }
  // On the standard error output: a page of checks may be read by a program.
  const beforeSize = (size: string, topic: string) =>
    io.err(`A pool of ${size} is published on ${topic} now; everyone who has subscribed to # gets it.`)
  await examine(context.pools(), io.signal, told, context.has('size') ? beforeSize : undefined)
  const [name] = args
  if (name !== undefined) {
    const check = await nameCheck(context.pools(), name)
    told(check)
    // Under another topic it would not be seen.
    if (check.result === 'ok') told(await poolCheck(context, name))
  }
  if (isJson) io.out(JSON.stringify({ broker: context.pools().place, checks }))
  return checks.some(({ result }) => result === 'failed') || io.signal.aborted ? EXIT.failed : EXIT.ok
}

/** What there is to say about one pool. */
async function poolCheck(context: Context, name: string): Promise<Check> {
  const pools = context.pools()
  const { bytes, owner } = await pools.read(name)
  const about = { name: 'pool' } as const
  if (bytes === null) {
    return { ...about, result: 'failed', seen: `${name} is not there`, advice: 'persist-mqtt ls lists all pools.' }
  }
  const size = counted(bytes.length, 'byte')
  try {
    const { texts } = decodePayload(bytes, name)
    const owned = {
      program: 'a program owns it',
      device: 'a device owns it',
      none: 'nobody is seen to own it (a device with a FullTopic of its own cannot be seen)',
    }[owner]
    const seen = `${name} has ${counted(texts.size, 'variable')} in ${size}, ${owned}`
    const limit = deviceLimit(pools.topics.of(name))
    if (owner !== 'device' || bytes.length <= limit) return { ...about, result: 'ok', seen }
    return {
      ...about,
      result: 'failed',
      seen,
      advice: `A device can load ${limit} bytes; it will start without its variables. Remove some.`,
    }
  } catch {
    const advice = 'persist-mqtt zero makes it an empty pool; what is there is lost then.'
    return { ...about, result: 'failed', seen: `${name} has ${size} that are no pool`, advice }
  }
}
