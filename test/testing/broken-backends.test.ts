import { expect, test } from 'vitest'
import { memoryBackend, memoryPlace } from '../../src/backends/memory.ts'
import type { Backend, BackendListener, Held } from '../../src/contracts/backend.ts'
import { backendConformance, type ConformanceOptions, PersistError } from '../../src/testing/index.ts'

// The suite itself is tested by what it finds: each backend here is a good one with a single fault.

/** Short, because some of these backends never answer; a good one in memory takes no time. */
const LIMIT_MS = 50

/** The names of the cases that fail on a memory backend in which some members are replaced. */
async function failures(
  spoil: (good: Backend) => Partial<Backend> = () => ({}),
  notices: ConformanceOptions['notices'] = 'at once',
): Promise<string[]> {
  const cases: [name: string, run: () => Promise<void>][] = []
  backendConformance({
    test: (name, run) => cases.push([name, run]),
    notices,
    limitMs: LIMIT_MS,
    largestBytes: 1000,
    place() {
      const place = memoryPlace()
      return {
        backend() {
          const good = memoryBackend(place)
          const members: Backend = {
            place: good.place,
            open: (listener, limitMs) => good.open(listener, limitMs),
            write: (bytes, limitMs) => good.write(bytes, limitMs),
            keepCopy: (bytes, limitMs) => good.keepCopy(bytes, limitMs),
            close: () => good.close(),
          }
          return { ...members, ...spoil(good) }
        },
        writeElsewhere: async (bytes) => place.replace(bytes),
        cleanUp: async () => {},
      }
    },
  })
  const failed: string[] = []
  for (const [name, run] of cases) {
    await run().catch((error) => {
      expect(error).toBeInstanceOf(Error)
      expect(error.message).not.toBe('')
      failed.push(name)
    })
  }
  return failed
}

/** Lets a fault reach the listener that the suite gives. */
function listening(good: Backend, fault: (listener: BackendListener) => Partial<Backend>): Partial<Backend> {
  let members: Partial<Backend> = {}
  return {
    open(listener, limitMs) {
      members = fault(listener)
      return (members.open ?? good.open.bind(good))(listener, limitMs)
    },
    write: (bytes, limitMs) => (members.write ?? good.write.bind(good))(bytes, limitMs),
    close: () => (members.close ?? good.close.bind(good))(),
  }
}

test('a good backend fails nowhere, whether or not others can write', async () => {
  expect(await failures()).toEqual([])
  expect(await failures(undefined, 'never')).toEqual([])
})

test('the suite finds out a backend that acknowledges and drops', async () => {
  const failed = await failures(() => ({ write: async () => 'written' }))
  expect(failed).toEqual(
    expect.arrayContaining([
      'a later backend finds what was written',
      'the last of several writes is held, longer or shorter',
      'a store that is opened again has the variables that it saved',
    ]),
  )
})

test('the suite finds out a backend that holds what was written only when it is closed', async () => {
  const failed = await failures((good) => {
    let last: Uint8Array | undefined
    let isOpen = true
    return {
      async write(bytes, limitMs) {
        if (!isOpen) return good.write(bytes, limitMs)
        last = Uint8Array.from(bytes)
        return 'written'
      },
      async close() {
        isOpen = false
        if (last !== undefined) await good.write(last, LIMIT_MS)
        last = undefined
        await good.close()
      },
    }
  }, 'never')
  expect(failed).toEqual(['it is held as soon as write() has resolved, not only when it is closed'])
})

test.each<[what: string, taken: (bytes: Uint8Array) => Uint8Array]>([
  ['the array that it was given', (bytes) => bytes],
  ["a slice of it, which for Node's Buffer is no copy", (bytes) => bytes.slice()],
])('the suite finds out a backend that keeps %s', async (_what, taken) => {
  const failed = await failures((good) => ({
    async write(bytes, limitMs) {
      const kept = taken(bytes)
      await Promise.resolve()
      return good.write(kept, limitMs)
    },
  }))
  expect(failed).toEqual(['changing an array that was given to write() changes nothing that is held'])
})

test('the suite finds out a backend that returns the array in which it holds the pool', async () => {
  let held: Uint8Array | null = null
  const failed = await failures((good) => ({
    async open(listener, limitMs) {
      const { bytes, ...rest } = await good.open(listener, limitMs)
      held = bytes === null ? null : held !== null && held.length === bytes.length ? held : bytes
      return { ...rest, bytes: held }
    },
  }))
  expect(failed).toContain('changing the array that open() returned changes nothing that is held')
})

test('the suite finds out a backend that writes more than the view that it was given', async () => {
  const failed = await failures((good) => ({
    write: (bytes, limitMs) => good.write(new Uint8Array(bytes.buffer as ArrayBuffer), limitMs),
  }))
  expect(failed).toEqual(['of a view into a larger buffer, only the view is written'])
})

test('the suite finds out a backend that leaves the end of a longer pool behind a shorter one', async () => {
  let before = new Uint8Array()
  const failed = await failures((good) => ({
    write(bytes, limitMs) {
      const torn = new Uint8Array(Math.max(bytes.length, before.length))
      torn.set(before)
      torn.set(bytes)
      before = torn
      return good.write(torn, limitMs)
    },
  }))
  expect(failed).toContain('the last of several writes is held, longer or shorter')
})

test('the suite finds out a backend that makes text of bytes', async () => {
  const failed = await failures((good) => ({
    write: (bytes, limitMs) => good.write(new TextEncoder().encode(new TextDecoder().decode(bytes)), limitMs),
  }))
  expect(failed).toEqual(['every byte value is held as it is'])
})

test('the suite finds out a backend that reports its own writes', async () => {
  const failed = await failures((good) =>
    listening(good, (listener) => ({
      async write(bytes, limitMs) {
        const outcome = await good.write(bytes, limitMs)
        listener.tell({ kind: 'held', how: 'written', bytes: Uint8Array.from(bytes) })
        return outcome
      },
    })),
  )
  expect(failed).toEqual(
    expect.arrayContaining([
      "the store's own writes are not reported to it",
      'a foreign write is reported once, with its bytes',
    ]),
  )
})

test.each<[what: string, told: (tell: (bytes: Uint8Array | null) => void, bytes: Uint8Array | null) => void]>([
  ['never', () => {}],
  ['twice', (tell, bytes) => void [tell(bytes), tell(bytes)]],
  ['without its bytes', (tell) => tell(Uint8Array.of(0x7b, 0x7d))],
])('the suite finds out a backend that reports a foreign write %s', async (_what, told) => {
  const failed = await failures((good) => ({
    open(listener, limitMs) {
      const own: BackendListener = {
        tell: (news) => {
          if (news.kind === 'held') told((bytes) => listener.tell({ ...news, bytes }), news.bytes)
          else listener.tell(news)
        },
        requested: (request) => listener.requested(request),
      }
      return good.open(own, limitMs)
    },
  }))
  expect(failed).toContain('a foreign write is reported once, with its bytes')
})

test('the suite finds out a backend that writes over what somebody else wrote, where it promised to look first', async () => {
  const failed = await failures(undefined, 'at the next write')
  expect(failed).toContain("a write that is 'superseded' has written nothing")
})

test('the suite finds out a backend that writes, and reports, when it is closed', async () => {
  const failed = await failures(() => ({ close: async () => {} }))
  expect(failed).toEqual([
    'write() after close() rejects with ERR_PERSIST_CLOSED',
    'close() during open() ends the opening',
    'keepCopy() after close() rejects with ERR_PERSIST_CLOSED',
    'after close() nothing is reported',
  ])
})

test('the suite finds out a backend that writes its copies in the place of the pool', async () => {
  const failed = await failures((good) => ({
    async keepCopy(bytes, limitMs) {
      if (bytes !== null) await good.write(bytes, limitMs)
    },
  }))
  expect(failed).toEqual(['keepCopy() keeps, replaces and removes a copy, and the pool stays as it is'])
})

test('the suite finds out a backend that rejects close()', async () => {
  let closed = 0
  const failed = await failures((good) => ({
    async close() {
      if (closed++ % 2 === 1) throw new Error('closed already')
      await good.close()
    },
  }))
  expect(failed).toContain('close() may be called twice, at once, and before open()')
})

test.each<keyof Backend>(['open', 'write', 'close'])(
  'the suite finds out a backend that never settles %s()',
  async (member) => {
    const failed = await failures(() => ({ [member]: () => new Promise<never>(() => {}) }))
    expect(failed).toContain(
      member === 'close' ? 'open() finds a new place empty' : 'a later backend finds what was written',
    )
  },
)

test('the suite finds out a backend that throws errors of its own', async () => {
  const failed = await failures((good) => ({
    async write(bytes, limitMs) {
      try {
        return await good.write(bytes, limitMs)
      } catch (error) {
        throw new Error('closed', { cause: error })
      }
    },
  }))
  expect(failed).toContain('write() after close() rejects with ERR_PERSIST_CLOSED')
})

test.each(['', 'mqtt://me:secret@broker'])('the suite finds out a backend that is called %j', async (place) => {
  expect(await failures(() => ({ place }))).toEqual(['place is a text for people, and holds no password'])
})

test.each<[what: string, facts: object]>([
  ['a proof that there is not', { proof: 'certain' }],
  ['a limit of nothing', { limitBytes: 0 }],
  ['a version that there is not', { protocolVersion: 3 }],
])('the suite finds out a backend that has %s', async (_what, facts) => {
  const failed = await failures((good) => ({
    open: async (listener, limitMs): Promise<Held> => ({ ...(await good.open(listener, limitMs)), ...facts }),
  }))
  expect(failed).toContain('open() finds a new place empty')
})

/** The one case of a place that cannot be reached. */
async function unreachableFailure(members: Partial<Backend>): Promise<string | undefined> {
  let failure: string | undefined
  const cases = new Map<string, () => Promise<void>>()
  backendConformance({
    test: (name, run) => cases.set(name, run),
    notices: 'never',
    limitMs: LIMIT_MS,
    place: () => ({ backend: memoryBackend, writeElsewhere: async () => {}, cleanUp: async () => {} }),
    unreachable() {
      const refuse = async () => {
        throw new PersistError('ERR_PERSIST_CONNECT', 'Nobody is there.')
      }
      return { place: 'nowhere', open: refuse, write: refuse, keepCopy: refuse, close: async () => {}, ...members }
    },
  })
  const run = cases.get('a place that cannot be reached: open() rejects in time and leaves nothing running')
  await run?.().catch((error: Error) => {
    failure = error.message
  })
  expect(run).toBeDefined()
  return failure
}

test('a place that cannot be reached must be refused, in time, with an error of this package', async () => {
  expect(await unreachableFailure({})).toBeUndefined()
  expect(await unreachableFailure({ open: async () => ({ bytes: null, proof: 'exact' }) })).toMatch(/a rejection/)
  expect(await unreachableFailure({ open: () => new Promise<never>(() => {}) })).toMatch(/did not settle/)
  expect(await unreachableFailure({ open: () => Promise.reject(new Error('no')) })).toMatch(/expected a PersistError/)
})
