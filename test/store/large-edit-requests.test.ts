import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { heard, opened, settled } from '../helpers/opened-store.ts'

describe('a request so large that it is done in slices', () => {
  /** As on a machine where each step takes longer than a slice; so few variables are enough to see what happens between. */
  beforeEach(() => {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 100))
  })
  afterEach(() => void vi.restoreAllMocks())

  const turn = () => new Promise((resolve) => setTimeout(resolve))
  const patch = '{"a":2,"map":{"y":2},"gone":null,"new":1}'

  /** How many turns of the event loop it takes; after each, `look` is called with the number. */
  async function turnsOf(answered: Promise<unknown>, look: (turns: number) => void): Promise<number> {
    let isDone = false
    void answered.finally(() => {
      isDone = true
    })
    let turns = 0
    for (; !isDone && turns < 100; turns++) {
      look(turns)
      await turn()
    }
    return turns
  }

  it('other work is done meanwhile, and finds all of it done or nothing', async () => {
    const { backend, pt } = await opened('{"a":1,"map":{"x":1},"gone":1}')
    const seen = new Set<string>()
    const changes = heard(pt, 'change')
    const answered = backend.request('patch', patch)
    const turns = await turnsOf(answered, () => seen.add(JSON.stringify(pt)))
    expect(await answered).toEqual({ ok: true })
    expect(turns).toBeGreaterThan(5)
    const after = '{"a":2,"map":{"x":1,"y":2},"new":1}'
    expect([...seen]).toEqual(['{"a":1,"map":{"x":1},"gone":1}', after])
    expect(JSON.parse(backend.text ?? '')).toEqual(JSON.parse(after))
    expect(changes.map(({ name }) => name)).toEqual(['a', 'map', 'gone', 'new'])
  })

  it('what else changes meanwhile is kept, whenever it does', async () => {
    for (let at = 0, turns = 1; at < turns; at++) {
      const { backend, pt } = await opened('{"a":1,"map":{"x":1},"gone":1,"other":1}')
      const answered = backend.request('patch', patch)
      turns = await turnsOf(answered, (turn) => {
        if (turn !== at) return
        pt.map.z = at
        pt.new2 = at
        backend.foreign('{"a":1,"map":{"x":1},"gone":1,"other":5}')
      })
      expect(await answered).toEqual({ ok: true })
      await settled(pt)
      const expected = { a: 2, map: { x: 1, y: 2, z: at }, new: 1, new2: at, other: 5 }
      expect([at, { ...pt }, JSON.parse(backend.text ?? '')]).toEqual([at, expected, expected])
    }
  })

  it("a 'replace' removes what has been added meanwhile", async () => {
    const { backend, pt } = await opened('{"a":1}')
    const answered = backend.request('replace', '{"b":1}')
    await turn()
    pt.added = 1
    await answered
    expect(JSON.stringify(pt)).toBe('{"b":1}')
  })

  it('requests wait for those that were asked before', async () => {
    const { backend, pt } = await opened('{"n":1}')
    const answers = ['{"n":5}', '{"n":7,"m":1}', '{"n":8}'].map((text) => backend.request('patch', text))
    answers.push(backend.request('increment', '{"n":2}'), backend.request('increment', '{"m":"1"}'))
    answers.push(backend.request('increment', '{"m":2}'))
    expect((await Promise.all(answers)).map(({ ok, values }) => values ?? ok)).toEqual([
      ...[true, true, true],
      { n: 10 },
      false,
      { m: 3 },
    ])
    expect({ ...pt }).toEqual({ n: 10, m: 3 })
  })

  it('a store that is closed meanwhile has done and saved it, or leaves it to the next owner', async () => {
    const outcomes = new Set<string>()
    const closedAt = async (at: number) => {
      const { backend, pt } = await opened('{"a":1}')
      let closed: Promise<void> | undefined
      const answered = backend.request('patch', '{"a":2,"b":1}')
      const turns = await turnsOf(answered, (turn) => {
        if (turn === at) closed = pt.$close()
      })
      await closed
      const { ok, error } = await answered
      outcomes.add(`${error?.code ?? ok} ${backend.text}`)
      return turns
    }
    const turns = await closedAt(-1)
    outcomes.clear()
    for (let at = 0; at < turns; at++) await closedAt(at)
    expect([...outcomes]).toEqual(['ERR_PERSIST_CLOSED {"a":1}', 'true {"a":2,"b":1}'])
  })
})
