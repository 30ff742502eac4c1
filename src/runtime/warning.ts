import type { PersistError } from './errors.ts'

/** Warns of something that still works. `process.on('warning')` gets a PersistWarning with this code. */
export function advise(code: string, text: string): void {
  if (typeof globalThis.process?.emitWarning === 'function') process.emitWarning(text, { type: 'PersistWarning', code })
  else console.warn(text)
}

/** Shows an error that the program does not listen to: save() need not be awaited. */
export function warn(error: PersistError): void {
  if (typeof globalThis.process?.emitWarning === 'function') process.emitWarning(error)
  else console.warn(error)
}
