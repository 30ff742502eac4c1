import type { Backend, BackendListener } from '../backend.ts'
import { PersistError } from '../errors.ts'

/** A place where backends under test keep one pool; every case gets a new one. */
export interface ConformancePlace {
  /** A new backend on the place, not open yet. */
  backend(): Backend
  /** Ends what the place consists of. */
  cleanUp(): Promise<void>
}

/** What the suite needs to know. */
export interface ConformanceOptions {
  /** The runner's function that registers a test: vitest's, node:test's, mocha's `it`. */
  test(name: string, run: () => Promise<void>): unknown
  /** Makes a place that holds nothing. */
  place(): Promise<ConformancePlace>
}

/** How long one answer of a backend may take here, in milliseconds. */
const LIMIT_MS = 10_000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Registers the tests that every backend must pass, one of your own too; works with any test runner.
 *
 * @example
 * backendConformance({ test, place: async () => ({ backend: () => myBackend(), cleanUp: async () => {} }) })
 */
export function backendConformance({ test, place }: ConformanceOptions): void {
  for (const [name, run] of Object.entries(CASES)) {
    test(name, async () => {
      const at = await place()
      const bench = new Bench(at)
      try {
        await run(bench)
      } finally {
        await bench.cleanUp()
      }
    })
  }
}

/** The backends of one case, and what they have told. */
class Bench {
  readonly #at: ConformancePlace
  readonly #opened: Backend[] = []

  constructor(at: ConformancePlace) {
    this.#at = at
  }

  make(): Backend {
    const backend = this.#at.backend()
    this.#opened.push(backend)
    return backend
  }

  async open(): Promise<OpenBackend> {
    const backend = this.make()
    const told = new Told()
    const { bytes, proof } = await backend.open(told, LIMIT_MS)
    ok(['exact', 'fence', 'settled'].includes(proof), `proof is ${proof}`)
    return { backend, told, bytes, write: (text) => backend.write(encoder.encode(text), LIMIT_MS) }
  }

  async cleanUp(): Promise<void> {
    await Promise.all(this.#opened.map((backend) => backend.close()))
    await this.#at.cleanUp()
  }
}

interface OpenBackend {
  readonly backend: Backend
  readonly told: Told
  readonly bytes: Uint8Array | null
  write(text: string): Promise<'written' | 'superseded'>
}

/** A listener that notes what it is told. */
class Told implements BackendListener {
  readonly changes: (string | null)[] = []
  changed(bytes: Uint8Array | null): void {
    this.changes.push(bytes === null ? null : decoder.decode(bytes))
  }
  offline(): void {}
  online(): void {}
  trouble(): void {}
}

const CASES: { readonly [name: string]: (bench: Bench) => Promise<void> } = {
  'says where the pool is, without a password': async (bench) => {
    const { place } = bench.make()
    ok(typeof place === 'string' && place.length > 0, 'place is a text')
    ok(!/:[^/@]*@/.test(place), `place shows a password: ${place}`)
  },

  'holds nothing at first': async (bench) => {
    const { bytes } = await bench.open()
    ok(bytes === null, `a new place holds ${shown(bytes)}`)
  },

  'holds what was written, for whoever opens it next': async (bench) => {
    const first = await bench.open()
    equal(await first.write('{"a":1}'), 'written')
    await first.backend.close()
    equal(shown((await bench.open()).bytes), '{"a":1}')
  },

  'holds what was written as soon as the write has resolved': async (bench) => {
    const first = await bench.open()
    await first.write('{"a":1}')
    equal(shown((await bench.open()).bytes), '{"a":1}')
  },

  'holds the last of several writes': async (bench) => {
    const first = await bench.open()
    for (let n = 1; n <= 20; n++) equal(await first.write(`{"n":${n}}`), 'written')
    equal(shown((await bench.open()).bytes), '{"n":20}')
  },

  'replaces a pool that it found': async (bench) => {
    const first = await bench.open()
    await first.write('{"a":1}')
    await first.backend.close()
    const second = await bench.open()
    equal(await second.write('{"b":2}'), 'written')
    equal(shown((await bench.open()).bytes), '{"b":2}')
  },

  'keeps every byte as it is': async (bench) => {
    const bytes = new Uint8Array(1000).map((_, index) => index % 256)
    const first = await bench.open()
    await first.backend.write(bytes, LIMIT_MS)
    const { bytes: held } = await bench.open()
    ok(held !== null && held.length === 1000 && held.every((byte, index) => byte === bytes[index]), 'bytes differ')
  },

  'holds a megabyte': async (bench) => {
    const text = JSON.stringify({ long: 'ü'.repeat(500_000) })
    const first = await bench.open()
    await first.write(text)
    ok(shown((await bench.open()).bytes) === text, 'a megabyte differs')
  },

  "has bytes of its own, not its caller's": async (bench) => {
    const first = await bench.open()
    const mine = encoder.encode('{"a":1}')
    const written = first.backend.write(mine, LIMIT_MS)
    mine.fill(0)
    await written
    const { bytes } = await bench.open()
    equal(shown(bytes), '{"a":1}')
    bytes?.fill(0)
    equal(shown((await bench.open()).bytes), '{"a":1}')
  },

  'never reports its own writes': async (bench) => {
    const first = await bench.open()
    for (let n = 1; n <= 5; n++) await first.write(`{"n":${n}}`)
    await first.write('{"n":1}')
    equal(JSON.stringify(first.told.changes), '[]')
  },

  'loses nothing that somebody else wrote': async (bench) => {
    const mine = await bench.open()
    await mine.write('{"mine":1}')
    const theirs = await bench.open()
    equal(await theirs.write('{"theirs":1}'), 'written')
    // It is either told at once, or found before the next write, which is not made then.
    const outcome = await mine.write('{"mine":2}')
    equal(JSON.stringify(mine.told.changes), '["{\\"theirs\\":1}"]')
    if (outcome === 'superseded') equal(await mine.write('{"mine":2}'), 'written')
    equal(shown((await bench.open()).bytes), '{"mine":2}')
  },

  'refuses to write when it is closed': async (bench) => {
    const first = await bench.open()
    await first.backend.close()
    await rejects(first.write('{"a":1}'), 'ERR_PERSIST_CLOSED')
    equal(shown((await bench.open()).bytes), null)
  },

  'can be closed twice, before it is open, and during a write': async (bench) => {
    await bench.make().close()
    const first = await bench.open()
    const writing = first.write('{"a":1}').then(
      () => {},
      (error) => ok(error instanceof PersistError, `a write that was cut short rejected with ${error}`),
    )
    await Promise.all([first.backend.close(), first.backend.close(), writing])
  },
}

function ok(truth: boolean, what: string): void {
  if (!truth) throw new Error(`Backend conformance: ${what}`)
}

function equal(actual: unknown, expected: unknown): void {
  ok(actual === expected, `expected ${expected}, got ${actual}`)
}

function shown(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : decoder.decode(bytes)
}

async function rejects(promise: Promise<unknown>, code: string): Promise<void> {
  const outcome: unknown = await promise.then(
    (value) => `resolved with ${value}`,
    (error) => error?.code ?? error,
  )
  equal(outcome, code)
}
