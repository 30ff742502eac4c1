/** Resolves after a time in milliseconds, or as soon as `until` has; keeps no Node process alive. */
export async function pause<Value = never>(ms: number, until?: Promise<Value>): Promise<Value | undefined> {
  let timer: unknown
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms)
    // In a browser it is a number.
    if (typeof timer === 'object') (timer as NodeJS.Timeout).unref()
  })
  try {
    return await (until === undefined ? over : Promise.race([over, until]))
  } finally {
    clearTimeout(timer as number)
  }
}
