import { unref } from '../../unref.ts'

/** The keepalive must not keep a program alive that has nothing else to do. */
export const UNREFERENCED: { set(fn: () => void, ms: number): number; clear(timer: number): void } = {
  set: (fn, ms) => {
    const timer: unknown = setInterval(fn, ms)
    unref(timer)
    return timer as number
  },
  clear: (timer) => clearInterval(timer),
}
