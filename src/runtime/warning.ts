import type { PersistError } from './errors.ts'

/** Something that works, and will not for long. `process.on('warning')` gets it as a PersistWarning with this code. */
export function advise(code: string, text: string): void {
  if (typeof globalThis.process?.emitWarning === 'function') process.emitWarning(text, { type: 'PersistWarning', code })
  else console.warn(text)
}

/** Nobody listens to errors: they are shown at least, since save() need not be awaited. */
export function warn(error: PersistError): void {
  if (typeof globalThis.process?.emitWarning === 'function') process.emitWarning(error)
  else console.warn(error)
}
