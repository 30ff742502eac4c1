// Removes dist/, so that a build never holds what an earlier one left.
import { rmSync } from 'node:fs'

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
