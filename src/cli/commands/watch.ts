import { printExact } from '../../format/exact-json.ts'
import { type Payload, payloadOf } from '../../format/payload.ts'
import { poolChanges, type ValueChange, valueChanges } from '../../pools/pool-changes.ts'
import { type PoolsListener, watchPools } from '../../pools/watch-pools.ts'
import type { Context } from '../command.ts'
import { EXIT, type ExitCode } from '../io.ts'
import { coloured, counted, printable, shortJson } from '../print.ts'

/** What happens to a pool as a whole. */
type PoolEvent = 'appeared' | 'deleted' | 'no pool' | 'online' | 'offline'

const NOTHING: Payload = { values: {}, texts: new Map() }

/** `persist-mqtt watch`: what changes, as it changes. */
export async function watch(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const { place } = context.pools()
  const tell = context.has('json') ? jsonTeller(context) : lineTeller(context)
  let wasOffline = false
  const listener: PoolsListener = {
    found() {},
    ready(count, isComplete) {
      const more = isComplete ? '' : ', and perhaps others that the broker did not tell about'
      if (wasOffline) io.err(`Connected again, ${counted(count, 'pool')}.`)
      else io.err(coloured(io, 'dim', `Watching ${counted(count, 'pool')} on ${place}${more}. Ctrl-C ends it.`))
      wasOffline = false
    },
    changed(name, before, after) {
      const [from, to] = [payloadOf(before), payloadOf(after)]
      if (after === null) return tell.event(name, 'deleted')
      if (to === undefined) return tell.event(name, 'no pool')
      if (before === null) tell.event(name, 'appeared')
      for (const { name: variable, ...values } of poolChanges(from ?? NOTHING, to)) {
        for (const change of valueChanges(values.before, values.after)) tell.change(name, variable, change)
      }
    },
    owned(name, { kind }, before) {
      if (kind !== before.kind) tell.event(name, kind === 'none' ? 'offline' : 'online', kind)
    },
    offline(error) {
      if (!wasOffline) io.err(printable(error.message))
      wasOffline = true
    },
  }
  await watchPools(context.pools(), args.length > 0 ? args : undefined, listener, io.signal)
  return EXIT.ok
}

interface Teller {
  change(pool: string, variable: string, change: ValueChange): void
  event(pool: string, event: PoolEvent, owner?: string): void
}

function lineTeller({ io }: Context): Teller {
  const line = (pool: string, text: string) => {
    io.out(`${coloured(io, 'dim', time())}  ${coloured(io, 'bold', printable(pool))}  ${text}`)
  }
  return {
    change(pool, variable, { path, before, after }) {
      line(pool, `${coloured(io, 'cyan', printable(variable + path))}  ${shortJson(before)} → ${shortJson(after)}`)
    },
    event: (pool, event, owner) =>
      line(pool, coloured(io, 'yellow', owner === undefined || owner === 'none' ? event : `${event} (${owner})`)),
  }
}

/** The local time of day, to the millisecond. */
function time(): string {
  const now = new Date()
  const two = (number: number) => String(number).padStart(2, '0')
  const day = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':')
  return `${day}.${String(now.getMilliseconds()).padStart(3, '0')}`
}

function jsonTeller({ io }: Context): Teller {
  const line = (facts: object) => io.out(printExact({ time: new Date().toISOString(), ...facts }))
  return {
    change: (pool, variable, change) => line({ pool, variable, ...change }),
    event: (pool, event, owner) => line({ pool, event, ...(owner !== undefined && { owner }) }),
  }
}
