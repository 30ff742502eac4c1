import { createInterface } from 'node:readline/promises'
import type { Context } from './command.ts'
import { CliError, EXIT } from './io.ts'

/**
 * Asks the user before a command loses data; `--yes` answers in advance.
 *
 * @throws {CliError} EXIT.refused: the answer is no, or there is no terminal to ask at
 */
export async function confirm(context: Context, question: string): Promise<void> {
  if (context.has('yes')) return
  const { io } = context
  if (!io.isInteractive) throw new CliError(EXIT.refused, `${question} Nothing was changed: --yes is needed here.`)
  const prompt = createInterface({ input: io.stdin, output: io.stderr })
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal: io.signal })
    if (/^y(es)?$/i.test(answer.trim())) return
  } catch (error) {
    // Ctrl-C at the prompt means no.
    if (!(error instanceof Error && error.name === 'AbortError')) throw error
  } finally {
    prompt.close()
  }
  throw new CliError(EXIT.refused, 'Nothing was changed.')
}
