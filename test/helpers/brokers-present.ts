import { programs } from './available.ts'

/**
 * Before the run: says once what is missing, and so skipped. With `REQUIRE_BROKERS=1` a missing program fails the run
 * instead: a suite that quietly skips its real brokers proves nothing.
 */
export function setup(): void {
  const missing = Object.entries(programs).flatMap(([name, path]) => (path === undefined ? [name] : []))
  if (missing.length === 0) return
  const list = missing.join(', ')
  if (process.env.REQUIRE_BROKERS === '1') {
    throw new Error(`REQUIRE_BROKERS=1, and not on the PATH: ${list}. On Debian: apt-get install ${missing.join(' ')}`)
  }
  console.log(`Skipped, because not on the PATH: the tests that need ${list} (REQUIRE_BROKERS=1 makes that a failure).`)
}
