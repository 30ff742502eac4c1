import type { PersistError } from './errors.ts'

/** Nobody listens to errors: they are shown at least, since save() need not be awaited. */
export function warn(error: PersistError): void {
  if (typeof globalThis.process?.emitWarning === 'function') process.emitWarning(error)
  else console.warn(error)
}
