import { join } from 'node:path'
import { build } from 'esbuild'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** The programs that a run starts and kills, as files that plain Node runs. */
export interface Programs {
  readonly owner: string
  readonly broker: string
}

/** Bundles them from the sources: no build is needed. `root` is the folder of the project. */
export async function bundlePrograms(root: string): Promise<Programs> {
  const directory = temporaryDirectory()
  const bundle = async (source: string, name: string) => {
    const outfile = join(directory, name)
    const entryPoints = [join(root, source)]
    await build({ entryPoints, bundle: true, platform: 'node', format: 'cjs', outfile, logLevel: 'error' })
    return outfile
  }
  return {
    owner: await bundle('test/torture/owner-process.ts', 'owner.cjs'),
    broker: await bundle('test/broker/broker-program.ts', 'broker.cjs'),
  }
}
