// Tries small mistakes in the heart, one at a time, and runs the tests that are meant to find them: all must be found.
import { fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { changesOf } from './mutants/changes.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

const FILES = [
  ...readdirSync(join(root, 'src/merge')).map((file) => `src/merge/${file}`),
  'src/format/revision.ts',
  'src/store/incoming.ts',
  'src/store/saving.ts',
]

/** The cheapest ones first. */
const TESTS = [
  'test/format/revision.test.ts',
  'test/format/written-revision.test.ts',
  'test/merge/merge-patch.test.ts',
  'test/merge/journaled-revisions.test.ts',
  'test/merge/recovery.test.ts',
  'test/merge/revisions.test.ts',
  'test/store/revisions.test.ts',
  'test/store/revisions-and-links.test.ts',
  'test/store/incoming.test.ts',
  'test/store/in-flight.test.ts',
  'test/store/overwritten-saves.test.ts',
  'test/store/superseded-saves.test.ts',
  'test/store/in-doubt.test.ts',
  'test/store/editor-merges.test.ts',
  'test/store/turns.test.ts',
  'test/store/saving.test.ts',
  'test/store/save-time.test.ts',
  'test/store/ended.test.ts',
  'test/store/read-only.test.ts',
  'test/store/size-limit.test.ts',
  'test/store/edit-requests.test.ts',
  'test/store/validation.test.ts',
  'test/torture/replays.test.ts',
  'test/store/interleavings.test.ts',
  'test/store/journal-notes.test.ts',
  'test/store/journaling.test.ts',
  'test/store/journaled-revisions.test.ts',
  'test/store/large-edit-requests.test.ts',
]

/** Some orders of messages are enough. */
const env = { ...process.env, SEEDS: '60' }

/** Longer than all tests take on a busy machine where nothing hangs, in milliseconds. */
const LIMIT_MS = 240_000

/**
 * A change that no test can find, since it makes no difference to anybody.
 * @typedef {{ file: string, code: string, change: string, reason: string }} Equivalent
 */

/** @type {Equivalent[]} */
const equivalents = JSON.parse(readFileSync(join(root, 'scripts/mutants/equivalents.json'), 'utf8'))

/** @typedef {{ file: string, line: number, code: string, change: string, source: string }} Mutant */

/**
 * @param {string} file
 * @returns {Mutant[]}
 */
function mutantsOf(file) {
  const source = readFileSync(join(root, file), 'utf8')
  const lines = source.split('\n')
  return changesOf(file, source).map(({ start, end, text }) => {
    const line = source.slice(0, start).split('\n').length
    const change = `${source.slice(start, end)} → ${text}`
    return {
      file,
      line,
      code: (lines[line - 1] ?? '').trim(),
      change,
      source: source.slice(0, start) + text + source.slice(end),
    }
  })
}

class Tester {
  #child = this.#started()

  #started() {
    const args = [root, ...TESTS]
    const child = fork(join(root, 'scripts/mutants/tester.mjs'), args, {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env,
    })
    return { child, ready: new Promise((resolve) => child.once('message', resolve)) }
  }

  /**
   * What finds the mutant; undefined: nothing does.
   * @param {Pick<Mutant, 'file' | 'source'>} mutant
   * @returns {Promise<string | undefined>}
   */
  async findsBy({ file, source }) {
    const { child, ready } = this.#child
    await ready
    child.send({ file: join(root, file), source })
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        child.removeAllListeners()
        child.kill('SIGKILL')
        this.#child = this.#started()
        resolve(`nothing ends within ${LIMIT_MS / 1000} s`)
      }, LIMIT_MS)
      child.once('exit', (code) => reject(new Error(`The tests ended with ${code}.`)))
      child.once('message', (/** @type {{ by?: string }} */ { by }) => {
        clearTimeout(late)
        child.removeAllListeners('exit')
        resolve(by)
      })
    })
  }

  end() {
    this.#child.child.removeAllListeners()
    this.#child.child.kill()
  }
}

/** @param {Equivalent} one @param {Mutant} other */
const isSame = (one, other) => one.file === other.file && one.code === other.code && one.change === other.change

const all = FILES.flatMap(mutantsOf)
const idle = equivalents.filter((one) => !all.some((mutant) => isSame(one, mutant)))
for (const { file, change } of idle)
  console.log(`No longer there, and to be taken out of equivalents.json: ${file}  ${change}`)
const wanted = process.argv.slice(2)
const mutants = all
  .filter(({ file, line }) => wanted.length === 0 || wanted.includes(file) || wanted.includes(`${file}:${line}`))
  .filter((mutant) => !equivalents.some((one) => isSame(one, mutant)))

const tester = new Tester()
const file = FILES[0] ?? ''
const unchanged = await tester.findsBy({ file, source: readFileSync(join(root, file), 'utf8') })
if (unchanged !== undefined) throw new Error(`Without any change, this fails: ${unchanged}`)
const started = performance.now()
let survivors = 0
for (const mutant of mutants) {
  if ((await tester.findsBy(mutant)) !== undefined) continue
  survivors += 1
  console.log(`${mutant.file}:${mutant.line} survives: ${mutant.change}`)
}
tester.end()
console.log(`${mutants.length} changes in ${Math.round((performance.now() - started) / 1000)} s, ${survivors} survive`)
process.exitCode = survivors + idle.length > 0 ? 1 : 0
