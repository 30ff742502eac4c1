/** How many bytes of arrays of bytes are allocated meanwhile, copies included; views are none. */
export function countAllocated(run: () => void): number {
  const original = globalThis.Uint8Array
  let count = 0
  globalThis.Uint8Array = new Proxy(original, {
    construct: (target, args: [unknown], newTarget) => {
      const [first] = args
      if (typeof first === 'number') count += first
      else if (first instanceof original) count += first.length
      return Reflect.construct(target, args, newTarget)
    },
  })
  try {
    run()
  } finally {
    globalThis.Uint8Array = original
  }
  return count
}
