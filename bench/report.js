// @ts-check
import { cpus, totalmem, type } from 'node:os'
import { digits } from './rounds.js'

/** @typedef {{ what: string, is: number, most?: number | undefined, least?: number | undefined }} Target */
/** @typedef {{ title: string, text: string, head: string[], rows: string[][], targets: Target[], skipped?: string[] }} Section */

/** The page docs/performance.md. @param {readonly Section[]} sections */
export function reportOf(sections) {
  const targets = sections.flatMap((section) => section.targets)
  const lines = [
    '# Performance',
    '',
    'Written by `npm run bench`, which measures everything side by side in one run: rounds in which every candidate has',
    'its turn, and of those the medians. Machines differ and are noisy, so the ratios say more than the times.',
    '',
    `${machine()}. Node ${process.versions.node}. All servers on the same machine, over its loopback interface.`,
    '',
    '## Targets',
    '',
    ...table(
      ['', 'target', 'measured', ''],
      targets.map((target) => [target.what, goal(target), digits(target.is), verdict(target)]),
    ),
  ]
  for (const { title, text, head, rows, skipped = [] } of sections) {
    lines.push('', `## ${title}`, '', text, '')
    if (rows.length > 0) lines.push(...table(head, rows))
    for (const line of skipped) lines.push('', line)
  }
  return `${lines.join('\n')}\n`
}

/** @param {Target} target */
function goal({ most, least }) {
  if (most !== undefined) return `at most ${most}`
  return least === undefined ? '' : `at least ${least}`
}

/** @param {Target} target */
function verdict({ is, most, least }) {
  if (most === undefined && least === undefined) return ''
  return is <= (most ?? is) && is >= (least ?? is) ? 'met' : '**missed**'
}

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
function table(head, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)]
}

function machine() {
  const [cpu] = cpus()
  return `${cpus().length} × ${cpu?.model.trim() || process.arch}, ${Math.round(totalmem() / 2 ** 30)} GB, ${type()}`
}
