import type { startBroker } from '../broker/start-broker.ts'
import { codeOf } from '../runtime/errors.ts'
import { CliError, EXIT } from './io.ts'

/** The broker's code, with Aedes, which is an optional dependency. */
export async function embeddedBroker(): Promise<typeof startBroker> {
  try {
    return (await import('../broker/start-broker.ts')).startBroker
  } catch (error) {
    throw codeOf(error) === 'ERR_MODULE_NOT_FOUND' ? notInstalled(error) : error
  }
}

function notInstalled(cause: unknown): CliError {
  const text = 'The broker needs the package aedes, which was not installed: npm install aedes ws'
  return new CliError(EXIT.failed, text, { cause })
}
