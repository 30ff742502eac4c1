// A program of its own, to be killed or to run as another user: file-program <path> once|loop.

import { fileBackend } from '../../../src/backends/file/file-backend.ts'
import { NO_LISTENER } from '../../../src/backends/no-listener.ts'
import { reasonOf } from '../../../src/runtime/errors.ts'

const [path = '', mode] = process.argv.slice(2)
// More than a page, so that a file that is half written can be told from one that is whole.
const filler = 'x'.repeat(50_000)

async function run(): Promise<void> {
  const backend = fileBackend(path)
  const { bytes } = await backend.open(NO_LISTENER, 10_000)
  let value: number = bytes === null ? 0 : JSON.parse(new TextDecoder().decode(bytes)).value
  do {
    value += 1
    await backend.write(new TextEncoder().encode(JSON.stringify({ value, filler, again: value })), 10_000)
    process.stdout.write(`${value}\n`)
  } while (mode === 'loop')
  await backend.close()
}

run().catch((error: unknown) => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  process.stdout.write(`${JSON.stringify({ code, message: reasonOf(error) })}\n`)
})
