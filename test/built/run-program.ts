import { type ChildProcess, spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { waitFor, waitForEvent } from '../helpers/wait.ts'

export interface Program {
  readonly child: ChildProcess
  readonly pid: number
  /** All that it has written so far. */
  stdout(): string
  stderr(): string
  /** Waits until its output matches, and returns the match. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Resolves when it has ended, with its exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals | null>
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>
}

/** Runs a program with Node, with nothing of this process's environment but the PATH; it ends with the test. */
export function runProgram(file: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Program {
  const child = spawn(process.execPath, [file, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  // 'close' comes after the last output, 'exit' may come before.
  const closed = waitForEvent(child, 'close', { what: `the end of ${file}`, limitMs: 60_000 })
  const ended = () => closed.then(() => child.signalCode ?? child.exitCode)
  return {
    child,
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    says: (pattern) => {
      const said = waitFor(() => pattern.exec(output.stdout) ?? undefined, {
        what: `${file} to say ${pattern}`,
        limitMs: 10_000,
      })
      const endedBefore = closed.then(() => {
        throw new Error(`${file} ended without saying ${pattern}: ${output.stdout}${output.stderr}`)
      })
      return Promise.race([said, endedBefore])
    },
    ended,
    kill: (signal) => {
      child.kill(signal)
      return ended()
    },
  }
}

/** Runs a program to its end and returns what it printed; fails where it failed. */
export async function outputOf(...args: Parameters<typeof runProgram>): Promise<string> {
  const program = runProgram(...args)
  const end = await program.ended()
  if (end !== 0) throw new Error(`${args[0]} ended with ${end}: ${program.stderr()}`)
  return program.stdout()
}

/** Runs a program to its end with something on its standard input. */
export async function runWithInput(
  file: string,
  args: readonly string[],
  input: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [file, ...args], { env: { PATH: process.env.PATH, ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.err += text
  })
  // It may have ended without reading it.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  await waitForEvent(child, 'close', { what: `the end of ${file}`, limitMs: 60_000 })
  return { code: child.exitCode, ...output }
}
