import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { renameFile } from '../../src/node/disk.ts'
import { mayMount, mounted, unmount } from '../backends/file/fixture.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const busy = expect.objectContaining({ code: 'EBUSY' })

// A mount stands for a virus scanner: nobody can rename over the file until it is gone.
test.skipIf(!mayMount())(
  'a file that another program holds is renamed when that lets go, if it does within a second',
  async () => {
    const directory = temporaryDirectory()
    const [from, to] = [join(directory, 'new.json'), join(directory, 'pool.json')]
    writeFileSync(from, 'new')
    writeFileSync(to, 'old')
    mounted(to, '--bind', to)
    expect(() => renameSync(from, to)).toThrow(busy)
    await expect(renameFile(from, to)).rejects.toEqual(busy)
    const renamed = renameFile(from, to)
    unmount(to)
    await renamed
    expect(readFileSync(to, 'utf8')).toBe('new')
  },
)
