import { unref } from './keep-alive.ts'

/** A promise that is settled from outside. A rejection counts as handled; those who await the promise still get it. */
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

/** A promise with a limit in milliseconds, after which it rejects with the error of `late`. */
export function within<Value>(promise: Promise<Value>, limitMs: number, late: () => Error): Promise<Value> {
  return raced(promise, limitMs, (over) => over.reject(late()))
}

/** The value of a promise, or the fallback if that takes longer than a time in milliseconds. */
export function orAfter<Value, Fallback>(
  promise: Promise<Value>,
  ms: number,
  fallback: Fallback,
): Promise<Value | Fallback> {
  return raced<Value | Fallback>(promise, ms, (over) => over.resolve(fallback))
}

/** Resolves after a time in milliseconds. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * Resolves after a time in milliseconds, or when `until` does. Unlike the others here it does not keep a Node process
 * alive.
 */
export async function pause<Value = never>(ms: number, until?: Promise<Value>): Promise<Value | undefined> {
  const over = deferred<undefined>()
  const timer = setTimeout(() => over.resolve(undefined), ms)
  unref(timer)
  try {
    return await (until === undefined ? over.promise : Promise.race([over.promise, until]))
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves when a signal is aborted, which it may be already. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Settles as the promise does, or as `end` settles `over` after a time in milliseconds. */
async function raced<Value>(promise: Promise<Value>, ms: number, end: (over: Deferred<Value>) => void): Promise<Value> {
  const over = deferred<Value>()
  const timer = setTimeout(() => end(over), ms)
  try {
    return await Promise.race([promise, over.promise])
  } finally {
    clearTimeout(timer)
  }
}
