// @ts-check
import { cpus, totalmem, type } from 'node:os'
import { digits } from './rounds.js'

/** `what` is its name, and the only one of that name. @typedef {{ what: string, is: number, most?: number | undefined, least?: number | undefined }} Target */
/** @typedef {{ title: string, text: string, head: string[], rows: string[][], targets: Target[], skipped?: string[] }} Section */

/** What ends a part of a page that a run writes. */
const END = '<!-- bench end -->'

/** All of it, for the terminal. @param {readonly Section[]} sections */
export function printed(sections) {
  const parts = sections.flatMap((section) => [`## ${section.title}`, bodyOf(section)])
  const targets = table(TARGETS_HEAD, targetRows(sections))
  return `${[machine(), '## Targets', targets, ...parts].join('\n\n')}\n`
}

/**
 * A page with the figures of a run: what stands between `<!-- bench: Title -->` or `<!-- bench table: Title -->` (the
 * table alone) and `<!-- bench end -->` is replaced, the rest is kept.
 * @param {string} page @param {readonly Section[]} sections @param {boolean} isComplete everything was measured
 */
export function rewritten(page, sections, isComplete) {
  let result = page
  for (const section of sections) {
    result = replaced(result, `bench: ${section.title}`, () => bodyOf(section))
    // What cannot be measured here stays as it was measured elsewhere, in a page whose words rest on it.
    if (section.rows.length === 0) continue
    result = replaced(result, `bench table: ${section.title}`, () => table(section.head, section.rows))
  }
  result = replaced(result, 'bench: Targets', (old) => {
    const rows = new Map(isComplete ? [] : old.map((cells) => [cells[0], cells]))
    for (const cells of targetRows(sections)) rows.set(cells[0], cells)
    return table(TARGETS_HEAD, [...rows.values()])
  })
  return isComplete ? replaced(result, 'bench: Machine', machine) : result
}

/** The titles of the sections for which no page has a place. @param {string} pages @param {readonly Section[]} sections */
export function homeless(pages, sections) {
  return sections.map(({ title }) => title).filter((title) => !pages.includes(`<!-- bench: ${title} -->`))
}

/** @param {string} page @param {string} name @param {(oldRows: string[][]) => string} make gets what the table had */
function replaced(page, name, make) {
  const start = `<!-- ${name} -->\n`
  const from = page.indexOf(start) + start.length
  if (from < start.length) return page
  const to = page.indexOf(END, from)
  if (to === -1) throw new Error(`${start} has no end`)
  const [, , ...lines] = page.slice(from, to).match(/^\|.*$/gm) ?? []
  const rows = lines.map((line) => line.slice(2, -2).split(' | '))
  return `${page.slice(0, from)}\n${make(rows)}\n\n${page.slice(to)}`
}

/** @param {Section} section */
function bodyOf({ text, head, rows, skipped = [] }) {
  return [text, ...(rows.length > 0 ? [table(head, rows)] : []), ...skipped].join('\n\n')
}

const TARGETS_HEAD = ['', 'target', 'measured', '']

/** @param {readonly Section[]} sections */
function targetRows(sections) {
  const targets = sections.flatMap((section) => section.targets)
  return targets.map((target) => [target.what, goal(target), digits(target.is), verdict(target)])
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
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

function machine() {
  const [cpu] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${cpus().length} × ${cpu?.model.trim() || process.arch}, ${memory} GB, ${type()}. Node ${process.versions.node}.`
}
