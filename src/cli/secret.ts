import { CliError, EXIT, type Io } from './io.ts'

/** Asks for a password without showing it; without a terminal, reads the first line of the input. */
export function askSecret(io: Io, question: string): Promise<string> {
  const { stdin, stderr, signal } = io
  const isTerminal = stdin.isTTY === true
  return new Promise<string>((resolve, reject) => {
    let secret = ''
    const given = (text: string) => {
      for (const character of text) {
        // Ctrl-C and Ctrl-D are characters like any other in this mode.
        if (character === '\u0003') return interrupted()
        if (character === '\n' || character === '\r' || character === '\u0004') return finish(() => resolve(secret))
        if (character === '\u007f' || character === '\b') secret = [...secret].slice(0, -1).join('')
        else secret += character
      }
    }
    const ended = () => finish(() => resolve(secret))
    const failed = (error: unknown) => finish(() => reject(error))
    const interrupted = () => failed(new CliError(EXIT.refused, 'Nothing was changed.'))
    const finish = (settle: () => void) => {
      stdin.off('data', given).off('end', ended).off('error', failed)
      signal.removeEventListener('abort', interrupted)
      if (isTerminal) {
        stdin.setRawMode(false)
        stderr.write('\n')
      }
      stdin.pause()
      settle()
    }
    // Before the question is printed, so that the terminal does not show what the user types at once.
    if (isTerminal) stdin.setRawMode(true)
    if (isTerminal) stderr.write(question)
    signal.addEventListener('abort', interrupted, { once: true })
    stdin.setEncoding('utf8').on('data', given).on('end', ended).on('error', failed).resume()
    if (signal.aborted) interrupted()
  })
}
