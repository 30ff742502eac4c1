import { beforeAll, expect, test } from 'vitest'
import { BROKERS } from './brokers.ts'
import { linesAbout } from './history.ts'
import { bundlePrograms, type Programs } from './programs.ts'
import { torture } from './torture.ts'

let programs: Programs
beforeAll(async () => {
  programs = await bundlePrograms(process.cwd())
})

/** One that is known to pass; `npm run torture` takes a new one each time. */
const SEED = 3
const LIMIT_MS = 5000

for (const [name, kind] of Object.entries(BROKERS)) {
  test.skipIf(!kind.isInstalled)(`${name}: faults and kills lose nothing`, { timeout: 120_000 }, async () => {
    const end = performance.now() + LIMIT_MS
    const isOver = (round: number) => round > 1 && performance.now() > end
    const result = await torture({ kind, programs, seed: SEED, journal: true, isOver })
    // A failure that does not come again can only be understood from its history.
    for (const { name } of result.violations) console.log(linesAbout(name ?? '', result.history.events))
    expect(result.violations).toEqual([])
    // A cluster on a busy machine confirms a handful only.
    expect(result.confirmed).toBeGreaterThan(0)
    expect(Object.keys(result.faults)).not.toEqual([])
  })
}
