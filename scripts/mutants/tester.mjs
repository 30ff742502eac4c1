// A warm process that runs the tests with one file of the source changed, as often as it is asked.
import process from 'node:process'
import { BaseSequencer, createVitest } from 'vitest/node'

const [root = '', ...tests] = process.argv.slice(2)
/** @type {{ file: string, source: string } | undefined} */
let changed

class InTheirOrder extends BaseSequencer {
  /** @override @param {import('vitest/node').TestSpecification[]} specifications */
  async sort(specifications) {
    const place = (/** @type {string} */ file) => tests.findIndex((test) => file.endsWith(test))
    return specifications.toSorted((one, other) => place(one.moduleId) - place(other.moduleId))
  }
}

const vitest = await createVitest(
  'test',
  {
    config: false,
    root,
    include: [...tests],
    watch: false,
    // In one worker that stays, one file after the other, until the first test fails.
    pool: 'threads',
    isolate: false,
    maxWorkers: 1,
    fileParallelism: false,
    bail: 1,
    sequence: { sequencer: InTheirOrder },
    testTimeout: 20_000,
    reporters: [{}],
    silent: true,
  },
  {
    logLevel: 'silent',
    plugins: [
      {
        name: 'change',
        enforce: 'pre',
        load: (/** @type {string} */ id) => (id === changed?.file ? changed.source : null),
      },
    ],
  },
)
const specifications = await vitest.globTestSpecifications()

process.on('message', async (/** @type {{ file: string, source: string }} */ next) => {
  if (changed !== undefined) vitest.invalidateFile(changed.file)
  changed = next
  vitest.invalidateFile(next.file)
  vitest.state.clearErrors()
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications, true)
  const broken = testModules.find((module) => module.state() === 'failed')
  const [failed] = broken?.children.allTests('failed') ?? []
  // What has found one mistake is likely to find the next, which is made near it.
  if (broken !== undefined) tests.unshift(...tests.splice(tests.indexOf(broken.relativeModuleId), 1))
  process.send?.({
    by: failed?.fullName ?? broken?.moduleId ?? (unhandledErrors.length > 0 ? 'an error nobody awaits' : undefined),
  })
})
process.send?.({ ready: true })
