import { spawn } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { onTestFinished } from 'vitest'
import { waitFor, waitForEvent } from '../../helpers/wait.ts'
import { BIN } from './cli.ts'

/** `persist-mqtt` in a pseudo terminal, as a person has it. */
export interface Terminal {
  /** All that was written to it, with control sequences. */
  raw(): string
  /** Waits until its text, without control sequences, matches. */
  shows(pattern: RegExp): Promise<void>
  type(keys: string): void
  /** The exit code. */
  ended(): Promise<number | null>
}

/** Runs a command in a pseudo terminal of `script` (util-linux), which every Debian has. */
export function openTerminal(url: string, home: string, args: readonly string[]): Terminal {
  const command = [process.execPath, BIN, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { PATH: process.env.PATH, HOME: home, MQTT_URL: url, TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const closed = waitForEvent(child, 'close', { what: `the end of ${args.join(' ')}`, limitMs: 60_000 })
  return {
    raw: () => output,
    shows: async (pattern) => {
      const matches = () => pattern.test(stripVTControlCharacters(output))
      await waitFor(matches, { what: `${pattern} in ${JSON.stringify(output)}`, limitMs: 15_000 }).catch((error) => {
        throw new Error(`${pattern} was not shown: ${JSON.stringify(output)}`, { cause: error })
      })
    },
    type: (keys) => void child.stdin.write(keys),
    ended: async () => {
      await closed
      return child.exitCode
    },
  }
}
