import { CliError, EXIT, type Io } from './io.ts'

/** Asks for a password without showing it; where nobody sits there, it is the first line of the input. */
export async function askSecret(io: Io, question: string): Promise<string> {
  const { stdin, stderr, signal } = io
  const isTerminal = stdin.isTTY === true
  if (isTerminal) {
    stderr.write(question)
    stdin.setRawMode(true)
  }
  let secret = ''
  try {
    for await (const chunk of stdin.setEncoding('utf8') as AsyncIterable<string>) {
      for (const character of chunk) {
        // Ctrl-C and Ctrl-D are characters like any other in this mode.
        if (character === '\u0003' || signal.aborted) throw new CliError(EXIT.refused, 'Nothing was changed.')
        if (character === '\n' || character === '\r' || character === '\u0004') return secret
        if (character === '\u007f' || character === '\b') secret = [...secret].slice(0, -1).join('')
        else secret += character
      }
    }
    return secret
  } finally {
    if (isTerminal) {
      stdin.setRawMode(false)
      stderr.write('\n')
    }
    stdin.pause()
  }
}
