import type { TortureResult } from './torture.ts'

export interface Row extends Pick<TortureResult, 'operations' | 'faults' | 'confirmed' | 'longestRecoveryMs'> {
  readonly broker: string
  readonly lost: number
  readonly wrong: number
}

/** Adds up what several runs of one broker came to. */
export function rowOf(broker: string, results: readonly TortureResult[]): Row {
  const violations = results.flatMap((result) => result.violations)
  const faults: Record<string, number> = {}
  for (const result of results) {
    for (const [kind, count] of Object.entries(result.faults)) faults[kind] = (faults[kind] ?? 0) + count
  }
  return {
    broker,
    operations: results.reduce((sum, { operations }) => sum + operations, 0),
    faults,
    confirmed: results.reduce((sum, { confirmed }) => sum + confirmed, 0),
    lost: violations.filter(({ kind }) => kind === 'lost').length,
    wrong: violations.filter(({ kind }) => kind === 'wrong').length,
    longestRecoveryMs: Math.max(0, ...results.map((result) => result.longestRecoveryMs)),
  }
}

/** As Markdown, so that it can be shown anywhere. */
export function tableOf(rows: readonly Row[]): string {
  const titles = ['broker', 'operations', 'faults', 'confirmed', 'lost', 'wrong', 'longest recovery']
  const lines = rows.map(({ broker, operations, faults, confirmed, lost, wrong, longestRecoveryMs }) => {
    const total = Object.values(faults).reduce((sum, count) => sum + count, 0)
    const kinds = Object.entries(faults).sort(([one], [other]) => (one < other ? -1 : 1))
    const list = kinds.map(([kind, count]) => `${kind} ${count}`).join(', ')
    return [broker, operations, `${total}: ${list}`, confirmed, lost, wrong, `${Math.round(longestRecoveryMs)} ms`]
  })
  return [titles, titles.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}
