// @ts-check
/** @typedef {{ [name: string]: { [name: string]: { [name: string]: number } } }} NestedPool */

/** @param {number} count @param {(index: number) => T} make @template T @returns {{ [name: string]: T }} */
function named(count, make) {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`v${index}`, make(index)]))
}

/** 100,000 numbers in 1,000 variables, each a map of ten maps of ten. @returns {NestedPool} */
export function nestedPool() {
  return named(1000, (a) => named(10, (b) => named(10, (c) => a * 100 + b * 10 + c)))
}

/** 100,000 variables, each a number. @returns {{ [name: string]: number }} */
export function flatPool() {
  return named(100_000, (index) => index)
}

/** A pool with 1 KB of JSON, as a small program has one. */
export function kilobytePool() {
  const sensors = Array.from({ length: 12 }, (_, index) => ({
    name: `sensor ${index}`,
    value: 20.5 + index,
    unit: '°C',
  }))
  const pool = {
    counter: 1_000_000,
    limits: { day: { from: 7, to: 22 }, night: { from: 22, to: 7 } },
    sensors,
    note: '',
  }
  pool.note = 'x'.repeat(1024 - Buffer.byteLength(JSON.stringify(pool)))
  return pool
}
