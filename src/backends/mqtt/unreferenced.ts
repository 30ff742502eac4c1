/** The keepalive must not keep a program alive that has nothing else to do. */
export const UNREFERENCED: { set(fn: () => void, ms: number): number; clear(timer: number): void } = {
  set: (fn, ms) => {
    const timer: unknown = setInterval(fn, ms)
    unreference(timer)
    return timer as number
  },
  clear: (timer) => clearInterval(timer),
}

/** Lets a Node process end while this timer runs; in a browser a timer is a number, and nothing happens. */
export function unreference(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref()
}
