import { setImmediate as tick } from 'node:timers/promises'
import { onTestFinished, vi } from 'vitest'
import type { BackendListener, Held } from '../../src/contracts/backend.ts'
import type { Editor } from '../../src/open/editor.ts'
import { editorOpenerFor } from '../../src/open/open-editor.ts'
import type { LooseStore } from '../../src/store/members.ts'
import type { StoreOptions } from '../../src/store/options.ts'
import { withoutRevision } from './bytes.ts'
import { HeldBackend, type PendingWrite } from './held-backend.ts'

/** A retained message; its text is null where there is none. */
interface Message {
  readonly text: string | null
}

/** What comes down a link. */
interface Arrival extends Message {
  /** The write of a client that it is; undefined: somebody else's. */
  readonly of?: PendingWrite | undefined
  /** Not the write itself, but the end of all that had come when its client looked whether it is still retained. */
  readonly isEnd?: boolean
}

/** Writes of others that are that near make a client look at what is retained, in milliseconds. */
const RACE_MS = 1000

/** How long a guest waits for its turn at most, in milliseconds: for the first one, and after many in a row. */
const SHORTEST_TURN_MS = 20
const LONGEST_TURN_MS = 1280

/** No conflict takes more to end. */
const MOST_STEPS = 1000

/**
 * A broker that holds one pool as a retained message, on a virtual clock. Nothing moves by itself: what a client has
 * written gets up to the broker, and what the broker has sent gets down to a client, when the test says so.
 */
export class ScriptedBroker {
  readonly #clients = new Set<ScriptedClient>()
  #retained: Message
  /** How many writes of stores have got here. */
  writes = 0

  constructor(text: string | null) {
    this.#retained = { text }
    // Without setImmediate, which is how what is ready gets to run.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
  }

  get retained(): Message {
    return this.#retained
  }

  /** The variables that are retained. */
  get pool(): Record<string, unknown> {
    return JSON.parse(withoutRevision(this.#retained.text ?? 'null'))
  }

  /** This is retained from now on, and on its way to all clients. */
  publish(text: string | null, of?: PendingWrite): void {
    this.#retained = { text }
    if (of !== undefined) this.writes += 1
    for (const client of this.#clients) client.arrivals.push({ ...this.#retained, of })
  }

  /** It is killed and started again, and has this on its disk; all links are cut. */
  restart(text: string | null): void {
    for (const client of this.#clients) client.cut()
    this.#retained = { text }
  }

  link(client: ScriptedClient, isLinked: boolean): void {
    if (isLinked) this.#clients.add(client)
    else this.#clients.delete(client)
  }

  /** The pool's owner; let go of at the end of the test. */
  async owner(options: StoreOptions = {}): Promise<{ link: ScriptedClient; pt: LooseStore; conflicts: string[] }> {
    const link = new ScriptedClient(this)
    const pt = await link.openers.openStore({ name: 'garage', saveOnExit: false, ...options })
    const conflicts: string[] = []
    pt.$on('conflict', ({ name }) => conflicts.push(name))
    pt.$on('error', () => {})
    onTestFinished(() => void pt.$close().catch(() => {}))
    return { link, pt, conflicts }
  }

  /** An editor that sees no owner, and writes the pool itself, on a link of its own. */
  async editor(): Promise<{ link: ScriptedClient; editor: Editor }> {
    const link = new ScriptedClient(this)
    const noOwner = {
      storeName: 'garage',
      isOwned: async () => false,
      open: async () => {},
      ask: async () => 'nobody' as const,
      makeRoom: async () => {},
      assertApart: async () => {},
      close: async () => {},
    }
    const open = editorOpenerFor({ makeBackend: () => link, makeLink: () => noOwner })
    return { link, editor: await open({ name: 'garage' }) }
  }
}

/** A client's link to the broker, as the backend of a store. */
export class ScriptedClient extends HeldBackend {
  /** What the broker has sent and has not got here yet. */
  readonly arrivals: Arrival[] = []
  readonly #broker: ScriptedBroker
  /** How many writes have left, or were lost with a link. */
  #sent = 0
  #foreignAt = Number.NEGATIVE_INFINITY

  constructor(broker: ScriptedBroker) {
    super(null, { auto: false })
    this.#broker = broker
  }

  override async open(listener: BackendListener): Promise<Held> {
    this.#broker.link(this, true)
    await super.open(listener)
    this.payload = this.#broker.retained.text
    return this.held()
  }

  /** Is there a write that has not got to the broker yet? */
  get isSending(): boolean {
    return this.writes.length > this.#sent
  }

  /** The next write gets to the broker; waits until there is one: a guest may wait for its turn. */
  async up(): Promise<void> {
    await this.#turn()
    const write = await this.nth(this.#sent + 1)
    this.#sent += 1
    this.#broker.publish(write.payload, write)
    await tick()
  }

  /** The next messages get here; what a store does then is done when this resolves. */
  async down(count = 1): Promise<void> {
    for (let n = 0; n < count; n++) {
      const arrival = this.arrivals.shift()
      if (arrival === undefined) throw new Error('The broker has sent nothing')
      this.#take(arrival)
      await tick()
    }
  }

  /** All that is sent gets down, and all that is written gets up, until there is nothing left. */
  async settle(): Promise<void> {
    for (let step = 0; ; step++) {
      if (step > MOST_STEPS) throw new Error(`What is on its way does not end: ${this.payload}`)
      await tick()
      if (this.arrivals.length === 0) await this.#turn()
      if (this.arrivals.length > 0) await this.down()
      else if (this.isSending) await this.up()
      else return
    }
  }

  /** Lets time pass until there is something to write, or no guest would wait for longer. */
  async #turn(): Promise<void> {
    await tick()
    for (let ms = SHORTEST_TURN_MS; !this.isSending && ms <= LONGEST_TURN_MS; ms *= 2) {
      vi.advanceTimersByTime(ms)
      await tick()
    }
  }

  /** The link breaks, and what is on its way is lost. */
  cut(): void {
    this.#broker.link(this, false)
    this.arrivals.length = 0
    this.#sent = this.writes.length
    this.offline()
    this.writes.at(-1)?.fail('ERR_PERSIST_CONNECT')
  }

  /** The link is back. */
  async back(): Promise<void> {
    this.#broker.link(this, true)
    this.online(this.#broker.retained.text)
    await tick()
  }

  override async close(): Promise<void> {
    this.#broker.link(this, false)
    this.arrivals.length = 0
    await super.close()
  }

  #take({ text, of, isEnd }: Arrival): void {
    if (of === undefined || !this.writes.includes(of)) {
      this.#foreignAt = performance.now()
      // What changes nothing is not told.
      if (text !== this.payload) this.foreign(text)
    } else if (isEnd) {
      of.land(this.payload === text ? 'written' : 'overwritten')
    } else {
      this.payload = text
      this.landed()
      const isRaced = performance.now() - this.#foreignAt < RACE_MS
      if (isRaced) this.arrivals.push({ text, of, isEnd: true })
      else of.land()
    }
  }
}
