// @ts-check

/**
 * @typedef {object} Case
 * @property {number} times
 * @property {(times: number, prepared: any) => unknown} run does its work `times` times
 * @property {() => unknown} [before] prepares each round, and is not measured
 * @property {(prepared: any) => unknown} [after] is not measured either
 */
/** @typedef {{ median(name: string): number, ratio(name: string, to: string): number, spread(name: string): string }} Timings */

/**
 * Runs cases in turn, round after round, so that a slow moment of the machine meets all of them.
 *
 * @param {Record<string, Case>} cases
 * @param {number} rounds the first one more is not counted: it is there to warm up
 * @returns {Promise<Timings>} in nanoseconds each time; a ratio is the median of the ratios within a round
 */
export async function interleaved(cases, rounds) {
  /** @type {Map<string, number[]>} */
  const results = new Map(Object.keys(cases).map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, { run, times, before, after }] of Object.entries(cases)) {
      const prepared = await before?.()
      const start = performance.now()
      await run(times, prepared)
      const each = ((performance.now() - start) * 1e6) / times
      await after?.(prepared)
      if (round > 0) of(name).push(each)
    }
  }

  /** @param {string} name */
  function of(name) {
    const result = results.get(name)
    if (result === undefined) throw new Error(`There is no case called ${name}`)
    return result
  }
  return {
    median: (name) => median(of(name)),
    ratio: (name, to) => median(of(name).map((value, round) => value / (of(to)[round] ?? Number.NaN))),
    spread: (name) => `${duration(Math.min(...of(name)))} to ${duration(Math.max(...of(name)))}`,
  }
}

/** Makes something of each value. @template From, To @param {Record<string, From>} from @param {(value: From) => To} make @returns {Record<string, To>} */
export function mapped(from, make) {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, make(value)]))
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
}

/** @param {number} nanoseconds */
export function duration(nanoseconds) {
  if (nanoseconds < 1e3) return `${digits(nanoseconds)} ns`
  if (nanoseconds < 1e6) return `${digits(nanoseconds / 1e3)} µs`
  if (nanoseconds < 1e9) return `${digits(nanoseconds / 1e6)} ms`
  return `${digits(nanoseconds / 1e9)} s`
}

/** @param {number} value */
export function digits(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
