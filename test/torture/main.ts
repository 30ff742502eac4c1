// npm run torture -- [seconds] [--seed n] [--broker name] [--operations n] [--round n]: see CONTRIBUTING.md
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { BROKERS, type BrokerName } from './brokers.ts'
import { linesOf } from './history.ts'
import { bundlePrograms, type Programs } from './programs.ts'
import type { KillKind } from './schedule.ts'
import { type Row, rowOf, tableOf } from './table.ts'
import { type TortureResult, torture } from './torture.ts'

const OPERATIONS_A_ROUND = 100

interface Wanted {
  readonly seconds: number
  readonly seed: number
  readonly operations: number
  readonly names: readonly BrokerName[]
  readonly journals: readonly boolean[]
  readonly round: number
  readonly both: boolean
  /** Keeps the history also where all is well. */
  readonly keepsHistory: boolean
}

function wanted(): Wanted {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string' },
      broker: { type: 'string', multiple: true },
      operations: { type: 'string' },
      round: { type: 'string' },
      journal: { type: 'string' },
      both: { type: 'boolean', default: false },
      history: { type: 'boolean', default: false },
    },
  })
  const names = (values.broker ?? Object.keys(BROKERS)) as BrokerName[]
  const unknown = names.find((name) => !Object.hasOwn(BROKERS, name))
  if (unknown !== undefined) throw new Error(`No broker ${unknown}; there are ${Object.keys(BROKERS).join(', ')}`)
  const operations = Number(values.operations ?? Number.POSITIVE_INFINITY)
  const seconds = Number(positionals[0] ?? (values.operations === undefined ? 60 : Number.POSITIVE_INFINITY))
  return {
    seconds,
    operations,
    seed: Number(values.seed ?? randomInt(1, 1_000_000)),
    names,
    journals: values.journal === undefined ? [false, true] : [values.journal !== 'off'],
    round: Number(values.round ?? 1),
    both: values.both,
    keepsHistory: values.history,
  }
}

async function main(): Promise<void> {
  const { seconds, seed, operations, names, journals, round, both, keepsHistory } = wanted()
  const programs = await bundlePrograms(process.cwd())
  const rows: Row[] = []
  const installed = names.filter((name) => BROKERS[name].isInstalled)
  for (const name of names) if (!installed.includes(name)) console.log(`${name} is not installed`)
  const runs = installed.length * journals.length
  for (const name of installed) {
    const results: TortureResult[] = []
    for (const journal of journals) {
      const limits = { seconds: seconds / runs, operations: operations / journals.length, round, both, keepsHistory }
      console.log(`${name}, ${journal ? 'with' : 'without'} a journal, --seed ${seed}`)
      results.push(await run(name, programs, journal, seed, limits))
    }
    rows.push(rowOf(`${BROKERS[name].title}${both ? ', killed with the owner' : ''}`, results))
  }
  console.log(`\n${tableOf(rows)}`)
  // With --both, losses are what is to be shown.
  if (!both && rows.some(({ lost, wrong }) => lost + wrong > 0)) process.exitCode = 1
}

interface Limits {
  readonly seconds: number
  readonly operations: number
  readonly round: number
  readonly both: boolean
  /** Keeps the history also where all is well. */
  readonly keepsHistory: boolean
}

async function run(
  name: BrokerName,
  programs: Programs,
  journal: boolean,
  seed: number,
  limits: Limits,
): Promise<TortureResult> {
  const end = performance.now() + limits.seconds * 1000
  const rounds = limits.operations / OPERATIONS_A_ROUND
  const kills: readonly KillKind[] = limits.both ? ['kill-both'] : ['kill-broker', 'kill-owner']
  const isOver = (round: number) => round >= limits.round + rounds || performance.now() > end
  const result = await torture({
    kind: BROKERS[name],
    programs,
    journal,
    seed,
    kills,
    operations: OPERATIONS_A_ROUND,
    firstRound: limits.round,
    isOver,
  })
  if (result.restarts > 0) console.log(`${name} stopped delivering, and was started again: ${result.restarts}`)
  if (result.violations.length > 0 || limits.keepsHistory) {
    const file = join(tmpdir(), `torture-${name}-${seed}-${journal ? 'journal' : 'bare'}.jsonl`)
    writeFileSync(file, linesOf(result.history.events))
    for (const { kind, round, rule, name: variable, text } of result.violations) {
      console.log(`${kind} in round ${round}: ${rule}${variable === undefined ? '' : `: ${variable}`}: ${text}`)
    }
    console.log(`The history is in ${file}`)
  }
  return result
}

main().then(
  // The clients' sockets are closed; what is left are timers that nobody waits for.
  () => process.exit(),
  (error: unknown) => {
    console.error(error)
    process.exit(1)
  },
)
