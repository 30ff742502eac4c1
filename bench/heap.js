// @ts-check
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
/** @type {() => void} */
const collectGarbage = runInNewContext('gc')

/** The bytes that are in use on the heap once garbage is gone. */
export async function heapInUse() {
  const { heapUsed } = await memoryInUse()
  return heapUsed
}

async function memoryInUse() {
  // What promises and finalizers still hold goes with the turns between.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
  }
  return process.memoryUsage()
}

/**
 * How many bytes something takes, on the heap and in buffers beside it.
 * @param {() => unknown} make
 */
export async function memoryTakenBy(make) {
  const before = await memoryInUse()
  const made = await make()
  const after = await memoryInUse()
  // Used after the measurement, so that it cannot be collected before it.
  if (made === undefined) throw new Error('Nothing was made')
  return { heap: after.heapUsed - before.heapUsed, buffers: after.arrayBuffers - before.arrayBuffers }
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
