import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { onTestFinished } from 'vitest'
import { type Broker, type BrokerOptions, startBroker } from '../../src/broker/start-broker.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** A broker with ports of its own that ends with the test. */
export async function startTestBroker(options: Partial<BrokerOptions> & { directory: string }): Promise<Broker> {
  const broker = await startBroker({ port: 0, webSocketPort: 0, ...options })
  onTestFinished(() => broker.close())
  return broker
}

/** Makes one file that plain Node runs, from a program beside this one and the sources: there may be no build yet. */
export async function bundledProgram(name: string): Promise<string> {
  const outfile = join(temporaryDirectory(), `${name}.cjs`)
  const entry = new URL(`${name}.ts`, import.meta.url).pathname
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'cjs', outfile, logLevel: 'error' })
  return outfile
}

/** Puts something before or in the place of every fdatasync of this process, until the test ends. */
export async function replaceDatasync(replacement: (real: () => Promise<void>) => Promise<void>): Promise<void> {
  const file = await open(join(temporaryDirectory(), 'any'), 'w')
  const prototype = Object.getPrototypeOf(file) as { datasync: () => Promise<void> }
  await file.close()
  const { datasync } = prototype
  prototype.datasync = function replaced(this: unknown) {
    return replacement(() => datasync.call(this))
  }
  onTestFinished(() => {
    prototype.datasync = datasync
  })
}
