import type { startBroker } from '../broker/start-broker.ts'
import { CliError, EXIT } from './io.ts'

/** The broker's code, with Aedes, which is an optional dependency. */
export async function embeddedBroker(): Promise<typeof startBroker> {
  try {
    return (await import('../broker/start-broker.ts')).startBroker
  } catch (error) {
    throw missing(error)
  }
}

function missing(cause: unknown): unknown {
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'
  if (!isMissing) return cause
  return new CliError(
    EXIT.failed,
    'The broker needs the package aedes, which was not installed: npm install aedes ws',
    { cause },
  )
}
