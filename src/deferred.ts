/** A promise with its ends in one hand. Its rejection counts as handled: whoever waits for it still gets it. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>
  resolve(value: Value | PromiseLike<Value>): void
  reject(reason: unknown): void
}

export function deferred<Value>(): Deferred<Value> {
  let resolve!: Deferred<Value>['resolve']
  let reject!: Deferred<Value>['reject']
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => {})
  return { promise, resolve, reject }
}

/** A promise that is rejected, and whose rejection counts as handled. */
export function rejected(reason: unknown): Promise<never> {
  const promise = Promise.reject(reason)
  promise.catch(() => {})
  return promise
}

/** The same promise, but rejected with what `late` makes when a limit in milliseconds is over. */
export async function within<Value>(promise: Promise<Value>, limitMs: number, late: () => Error): Promise<Value> {
  const limit = deferred<never>()
  const timer = setTimeout(() => limit.reject(late()), limitMs)
  try {
    return await Promise.race([promise, limit.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** What a promise resolves with, or the fallback where that takes longer than a time in milliseconds. */
export async function orAfter<Value, Fallback>(
  promise: Promise<Value>,
  ms: number,
  fallback: Fallback,
): Promise<Value | Fallback> {
  const over = deferred<Fallback>()
  const timer = setTimeout(() => over.resolve(fallback), ms)
  try {
    return await Promise.race([promise, over.promise])
  } finally {
    clearTimeout(timer)
  }
}
