import { setTimeout as pause } from 'node:timers/promises'

export interface WaitOptions {
  /** What is waited for, as the end of "Waited … ms for". */
  what: string
  /** @default 5000 */
  limitMs?: number
}

const POLL_MS = 5

/**
 * Asks again until the answer is neither `undefined`, `false` nor an error, and returns it.
 *
 * @throws Error when the limit is over; its `cause` is the last error of `check`
 */
export async function waitFor<T>(
  check: () => T | Promise<T>,
  { what, limitMs = 5000 }: WaitOptions,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + limitMs
  let cause: unknown
  do {
    try {
      const answer = await within(Promise.resolve(check()), { what, limitMs: Math.max(1, end - performance.now()) })
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>
    } catch (error) {
      cause = error
    }
    await pause(POLL_MS)
  } while (performance.now() < end)
  throw new Error(`Waited ${limitMs} ms for ${what}`, { cause })
}

/** Node's emitters and those of MQTT.js. */
interface Emitter {
  once(event: string, listener: (...facts: never[]) => void): unknown
}

/** The facts of the next event of that name; rejects when the limit is over, and takes an 'error' for nothing special. */
export async function waitForEvent(emitter: Emitter, event: string, options: WaitOptions): Promise<unknown[]> {
  return within(new Promise((resolve) => emitter.once(event, (...facts) => resolve(facts))), options)
}

/** The same promise, which rejects when the limit is over. */
export function within<T>(promise: Promise<T>, { what, limitMs = 5000 }: WaitOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Waited ${limitMs} ms for ${what}`)), limitMs)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
