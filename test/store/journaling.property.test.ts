import { copyFileSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LooseStore } from '../../src/store/members.ts'
import { HeldBackend, type PendingWrite } from '../helpers/held-backend.ts'
import { journalPath, notedIn } from '../helpers/journaled-store.ts'
import { waitFor } from '../helpers/wait.ts'

const NAMES = ['a', 'b', 'c'] as const
type Name = (typeof NAMES)[number]

type Step =
  | { do: 'set' | 'remove' | 'foreign'; name: Name }
  | { do: 'save' | 'land' | 'fail' | 'tick' }
  | { do: 'crash'; landing: boolean }

const name = fc.constantFrom(...NAMES)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'foreign' as const), name }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('save' as const, 'land' as const, 'tick' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), landing: fc.boolean() }) },
)

/** Programs with one pool, one after the other, each with the journal that the one before left when it was killed. */
class Lives {
  /** Every value that a variable was given by anybody, in their order. */
  readonly given: Record<Name, (number | undefined)[]> = { a: [undefined], b: [undefined], c: [undefined] }
  /** Where in that the newest value is that was sent, and so was on disk before: nothing older may come back. */
  readonly sent: Record<Name, number> = { a: 0, b: 0, c: 0 }
  readonly lives: LooseStore[] = []
  count = 0
  journal: string = journalPath()
  backend!: HeldBackend
  pt!: LooseStore
  pending: PendingWrite[] = []

  async begin(payload: string | null): Promise<void> {
    this.pending = []
    const backend = new HeldBackend(payload, { auto: false })
    this.backend = backend
    const write = backend.write.bind(backend)
    backend.write = (bytes) => {
      // Sent by a program that was killed meanwhile: it never was.
      if (this.backend !== backend) return new Promise(() => {})
      this.#arrives(new TextDecoder().decode(bytes))
      const written = write(bytes)
      this.pending.push(this.backend.writes.at(-1) as PendingWrite)
      return written
    }
    const { journal } = this
    this.pt = await this.backend.openers.openStore({ name: 'garage', saveOnExit: false, saveTimeoutMs: 1000, journal })
    this.pt.$on('error', () => {})
    this.lives.push(this.pt)
    for (const name of NAMES) {
      const allowed = this.given[name].slice(this.sent[name])
      expect(allowed, `${name} after ${this.lives.length - 1} crashes`).toContain(this.pt.find(name))
    }
  }

  /** Whatever is sent must be on disk by now, where the place does not hold it already. */
  #arrives(text: string): void {
    const held = JSON.parse(this.backend.text ?? '{}')
    const [, body = ''] = readFileSync(this.journal, 'utf8').split('\n')
    const noted = new Map<string, unknown[]>(
      JSON.parse(body).variables.map(([name, text, , sent]: [string, unknown, unknown, unknown[]]) => [
        name,
        [text, ...sent],
      ]),
    )
    const sent = JSON.parse(text)
    for (const name of NAMES) {
      if (sent[name] !== held[name]) expect(noted.get(name)).toContain(JSON.stringify(sent[name]) ?? null)
      this.sent[name] = Math.max(this.sent[name], this.given[name].lastIndexOf(sent[name]))
    }
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'set':
        this.pt[step.name] = this.#give(step.name)
        break
      case 'remove':
        this.pt.remove(step.name)
        this.given[step.name].push(undefined)
        break
      case 'foreign': {
        const theirs = JSON.parse(this.backend.text ?? '{}')
        this.backend.foreign(JSON.stringify({ ...theirs, [step.name]: this.#give(step.name) }))
        break
      }
      case 'save':
        void this.pt.save()
        break
      case 'tick':
        await new Promise((resolve) => setImmediate(resolve))
        break
      case 'land':
        this.pending.shift()?.land()
        break
      case 'fail':
        this.pending.shift()?.fail('ERR_PERSIST_DENIED')
        break
      case 'crash': {
        const found = journalPath()
        // In one moment: what is sent after it would not be from a program that was killed.
        copyFileSync(this.journal, found)
        // What was on its way when the program was killed may still arrive.
        if (step.landing) this.pending.shift()?.land()
        const { payload } = this.backend
        this.journal = found
        await this.begin(payload)
      }
    }
  }

  /** All that is saved gets there, and nothing is left to recover. */
  async settle(): Promise<void> {
    this.backend.auto = true
    for (const write of this.pending.splice(0)) write.land()
    await this.pt.save()
    expect(JSON.parse(this.backend.text ?? '{}')).toEqual({ ...this.pt })
    await waitFor(async () => Object.keys(await notedIn(this.journal)).length === 0, {
      what: 'the journal to be empty',
    })
  }

  async end(): Promise<void> {
    for (const pt of this.lives) void pt.$close().catch(() => {})
  }

  #give(name: Name): number {
    this.count += 1
    this.given[name].push(this.count)
    return this.count
  }
}

test('whenever a program is killed, no variable goes back behind what was sent, and in the end all is at the place', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
      const lives = new Lives()
      try {
        await lives.begin(null)
        for (const step of steps) await lives.take(step)
        await lives.settle()
      } finally {
        await lives.end()
      }
    }),
    { numRuns: 60, endOnFailure: true },
  )
})
