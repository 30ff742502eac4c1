import type { startBroker } from '../broker/start-broker.ts'
import { codeOf } from '../runtime/errors.ts'
import { CliError, EXIT } from './io.ts'

/**
 * The broker's code, with the packages aedes and ws, which whoever wants the broker installs.
 *
 * @param command the command that needs it
 * @throws {CliError} EXIT.failed: they are not there
 */
export async function embeddedBroker(command: string): Promise<typeof startBroker> {
  try {
    return (await import('../broker/start-broker.ts')).startBroker
  } catch (error) {
    throw codeOf(error) === 'ERR_MODULE_NOT_FOUND' ? notInstalled(command, error) : error
  }
}

function notInstalled(command: string, cause: unknown): CliError {
  const inPlace = 'npm install aedes ws (with --global where persist-mqtt is global)'
  const forOnce = `npx -p persist-mqtt -p aedes -p ws persist-mqtt ${command}`
  return new CliError(EXIT.failed, `The broker needs the packages aedes and ws: ${inPlace}, or ${forOnce}`, { cause })
}
