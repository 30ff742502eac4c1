// @ts-check
import { nestedWrite } from './nested-write.js'
import { unchangedSave } from './unchanged-save.js'
import { largePool } from './large-pool.js'
import { writeReport } from './report.js'

const sections = []
for (const f of [nestedWrite, unchangedSave, largePool]) sections.push(await f())
writeReport(sections.flat(), new URL('../docs/performance.md', import.meta.url))
