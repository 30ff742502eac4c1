import { unref } from '../../unref.ts'

/** Resolves after a time in milliseconds, or as soon as `until` has; keeps no Node process alive. */
export async function pause<Value = never>(ms: number, until?: Promise<Value>): Promise<Value | undefined> {
  let timer: unknown
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms)
    unref(timer)
  })
  try {
    return await (until === undefined ? over : Promise.race([over, until]))
  } finally {
    clearTimeout(timer as number)
  }
}
