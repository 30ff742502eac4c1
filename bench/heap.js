// @ts-check
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
/** @type {() => void} */
const collectGarbage = runInNewContext('gc')

/** The bytes that are in use on the heap once garbage is gone. */
export async function heapInUse() {
  // What promises and finalizers still hold goes with the turns between.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
  }
  return process.memoryUsage().heapUsed
}

/**
 * How many bytes on the heap something takes.
 * @param {() => unknown} make
 */
export async function heapTakenBy(make) {
  const before = await heapInUse()
  const made = await make()
  const taken = (await heapInUse()) - before
  // Used after the measurement, so that it cannot be collected before it.
  if (made === undefined) throw new Error('Nothing was made')
  return taken
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
