// @ts-check
// `npm run bench` measures everything and writes the figures into the pages of docs/. `node bench/run.js opening listing`
// measures these parts and only prints them; with --write it writes their figures, and keeps all others.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { acknowledgedSaves } from './acknowledged-saves.js'
import { durableChange } from './durable-change.js'
import { farLink } from './far-link.js'
import { firstSteps } from './first-steps.js'
import { inspector } from './inspector.js'
import { keyValue } from './key-value.js'
import { largePool } from './large-pool.js'
import { listing } from './listing.js'
import { millionSaves } from './million-saves.js'
import { mosquittoSettings } from './mosquitto-settings.js'
import { nestedWrite } from './nested-write.js'
import { opening } from './opening.js'
import { homeless, printed, rewritten } from './report.js'
import { restore } from './restore.js'
import { size } from './size.js'
import { startUp } from './start-up.js'
import { unchangedSave } from './unchanged-save.js'

const parts = {
  opening,
  firstSteps,
  farLink,
  unchangedSave,
  nestedWrite,
  acknowledgedSaves,
  millionSaves,
  startUp,
  durableChange,
  keyValue,
  largePool,
  listing,
  restore,
  mosquittoSettings,
  size,
  inspector,
}

const { values: flags, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean' } },
})
const isComplete = wanted.length === 0
const unknown = wanted.find((name) => !(name in parts))
if (unknown !== undefined) throw new Error(`There is no part ${unknown}; there are ${Object.keys(parts).join(', ')}`)

/** @type {import('./report.js').Section[]} */
const sections = []
for (const [name, measure] of Object.entries(parts)) {
  if (!isComplete && !wanted.includes(name)) continue
  const start = performance.now()
  sections.push(...[await measure()].flat())
  console.error(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`)
}
console.log(printed(sections))
if (isComplete || flags.write) {
  const docs = new URL('../docs/', import.meta.url)
  const files = readdirSync(docs).filter((name) => name.endsWith('.md'))
  const pages = files.map((name) => ({ file: new URL(name, docs), text: readFileSync(new URL(name, docs), 'utf8') }))
  for (const { file, text } of pages) writeFileSync(file, rewritten(text, sections, isComplete))
  for (const title of homeless(pages.map(({ text }) => text).join(), sections)) {
    console.error(`No page has a place for it: ${title}`)
    process.exitCode = 1
  }
}
