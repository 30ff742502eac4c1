// @ts-check
// `npm run bench`: measures everything and writes docs/performance.md. `node bench/run.js opening` runs one part and
// only prints it.
import { mkdirSync, writeFileSync } from 'node:fs'
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
import { reportOf } from './report.js'
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

const [only] = process.argv.slice(2)
const chosen = Object.entries(parts).filter(([name]) => only === undefined || name === only)
if (chosen.length === 0) throw new Error(`There is no part ${only}; there are ${Object.keys(parts).join(', ')}`)

/** @type {import('./report.js').Section[]} */
const sections = []
for (const [name, measure] of chosen) {
  const start = performance.now()
  sections.push(...[await measure()].flat())
  console.error(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`)
}
const report = reportOf(sections)
console.log(report)
if (only === undefined) {
  const docs = new URL('../docs/', import.meta.url)
  mkdirSync(docs, { recursive: true })
  writeFileSync(new URL('performance.md', docs), report)
}
