import type { EditRequest } from '../../contracts/backend.ts'
import type { EditorLink } from '../../contracts/editor-link.ts'
import { TAKE_OVER_ADVICE } from '../../format/device.ts'
import { Backoff } from '../../mqtt/backoff.ts'
import { lateError } from '../../mqtt/connect.ts'
import { ConnectionLost, PublishRefused, wasClosed } from '../../mqtt/failure.ts'
import { PersistError } from '../../runtime/errors.ts'
import { deferred, delay, orAfter, within } from '../../runtime/promises.ts'
import { randomHex } from '../../runtime/random-hex.ts'
import { Turns } from '../../runtime/turns.ts'
import { lwtTopicOf, type Owner } from './owner/owner-topics.ts'
import { OwnerWatch } from './owner/owner-watch.ts'
import { type MqttPlace, type PoolAddress, poolAddressOf } from './pool-address.ts'
import type { Session } from './session.ts'
import { SessionOpener } from './session-opener.ts'

/** How long an editor waits for a device, in milliseconds: it may not listen at all, and a person is waiting too. */
const DEVICE_LIMIT_MS = 2000
/** Between two attempts to connect, in milliseconds, at random. */
const PAUSE_MS = 250
/**
 * So many questions are under way at a time: an owner remembers the last 8,192 answers, for all editors, and does again
 * what it has forgotten; and brokers drop what they cannot queue (Mosquitto: 1,000 messages).
 */
const ASKED_AT_ONCE = 256

/** A link that is open, and who is seen on it. */
interface Seen {
  readonly session: Session
  readonly watch: OwnerWatch
}

/**
 * An editor's connection to a broker, on which it asks the owner of a pool; docs/protocol.md has what is on the wire.
 *
 * The link connects at the first question, and after a loss again at the next one.
 */
export class OwnerLink implements EditorLink {
  readonly storeName: string
  readonly #address: PoolAddress
  readonly #opener: SessionOpener
  readonly #openTimeoutMs: number
  readonly #closing = new AbortController()
  #watch: OwnerWatch | undefined
  #opening: Promise<Seen> | undefined
  /** The last that was open. */
  #last: Seen | undefined
  #count = 0
  readonly #turns = new Turns(ASKED_AT_ONCE)

  /** @throws {PersistError} ERR_PERSIST_OPTION */
  constructor(place: MqttPlace, openTimeoutMs: number) {
    const address = poolAddressOf(place)
    const lwtTopic = place.name === undefined ? undefined : lwtTopicOf(place.name)
    const editor = randomHex(8)
    this.storeName = address.storeName
    this.#openTimeoutMs = openTimeoutMs
    this.#address = address
    this.#opener = new SessionOpener(address, {
      claimant: undefined,
      handlersFor: (connection) => {
        this.#watch = new OwnerWatch(connection, address.topic, lwtTopic, editor)
        return [this.#watch]
      },
    })
  }

  /** Connects, unless the link is connected already; goes on until the limit where there is no broker yet. */
  async open(limitMs: number): Promise<void> {
    await this.#seen(limitMs, new Backoff())
  }

  ask(request: Parameters<EditorLink['ask']>[0], limitMs: number): Promise<Uint8Array | 'nobody'> {
    const start = performance.now()
    const late = () => lateError(this.storeName, 'asked', limitMs, 'answers to what this editor had asked before')
    return this.#turns.take(() => this.#ask(request, limitMs, start), limitMs, late)
  }

  /** @param start when the limit began, as performance.now() has it */
  async #ask(
    { kind, bytes }: Parameters<EditorLink['ask']>[0],
    limitMs: number,
    start: number,
  ): Promise<Uint8Array | 'nobody'> {
    const number = ++this.#count
    let limit = limitMs
    /** Whom the editor has asked: a program's session, or a device. */
    let asked: string | undefined
    let isRepeated = false
    const left = () => Math.max(1, start + limit - performance.now())
    for (;;) {
      const seen = await this.#again(asked !== undefined, left)
      const { session, watch } = seen
      const owner = await this.#owner(seen, left())
      const now = owner.kind === 'program' ? owner.session : owner.kind
      // Whoever was asked may have done it: the editor must not ask anybody else to do it once more.
      if (asked !== undefined && now !== asked && owner.kind !== 'none') throw this.#noAnswer(limit, 'replaced')
      if (asked === undefined && owner.kind === 'none') return 'nobody'
      // It waits for its first pool, and takes what is written.
      if (asked === undefined && owner.kind === 'device' && session.isEmpty) return 'nobody'
      if (owner.kind === 'device') limit = Math.min(limitMs, DEVICE_LIMIT_MS)
      asked ??= now
      // The owner can tell by the id that it was meant, and that it has done it already.
      const id = asked === 'device' ? `${number}` : `${asked}-${number}`
      const outcome = await orAfter(this.#asked(session, watch, kind, id, bytes), left(), 'late' as const)
      if (outcome === 'late') throw this.#noAnswer(limit, asked)
      // Its answer may have been lost with a connection: only what it says is certain then.
      if (outcome === 'closed' && isRepeated) throw this.#noAnswer(limit, 'replaced')
      if (outcome !== 'again' && outcome !== 'closed' && outcome !== 'refused') return outcome
      isRepeated = outcome === 'again'
      // That owner has not done it: the editor may ask whoever owns the pool now.
      if (!isRepeated) asked = undefined
    }
  }

  async isOwned(limitMs: number): Promise<boolean> {
    const end = performance.now() + limitMs
    try {
      // What was seen on a link that broke is not so any more.
      const { watch } = await this.#again(true, () => Math.max(1, end - performance.now()))
      return watch.owner.kind === 'program'
    } catch (error) {
      throw this.#notSeen(error)
    }
  }

  async makeRoom(): Promise<void> {
    if (this.#address.givenClientId !== undefined) await this.#last?.session.connection.end()
  }

  async assertApart(): Promise<void> {
    if (this.#last === undefined || this.#address.givenClientId !== undefined) return
    const { watch } = this.#last
    if (watch.owner.kind !== 'none' || watch.isClosed) return
    try {
      await orAfter(this.#last.session.probe(), this.#openTimeoutMs, undefined)
    } catch (error) {
      // The store has come with a client id that nobody else has.
      if (error instanceof ConnectionLost && wasClosed(error.failure)) throw this.#notApart()
    }
  }

  async close(): Promise<void> {
    const store = this.#address.storeName
    this.#closing.abort(new PersistError('ERR_PERSIST_CLOSED', `The editor of ${store} is closed.`, { store }))
    const seen = await this.#opening?.catch(() => undefined)
    await seen?.session.connection.end()
  }

  /** Who owns the pool. Where nobody seems to, the broker is asked once more: an owner may have come this moment. */
  async #owner({ session, watch }: Seen, limitMs: number): Promise<Owner> {
    const late = () => {
      // A connection on which nothing is answered may be dead.
      session.connection.destroy()
      return lateError(this.#address.storeName, 'looked at', limitMs, session.step)
    }
    try {
      if (watch.owner.kind === 'none') await within(session.probe(), limitMs, late)
    } catch (error) {
      // The link connects again to ask; where the editor makes the change itself, it does so on another connection.
      if (!(error instanceof ConnectionLost)) throw error
    }
    return watch.owner
  }

  /**
   * The answer; 'again' where the connection was lost or the owner came back, so that the editor has to ask once more;
   * 'refused' where the owner says that it is closing the pool and has not done it; 'closed' where the owner has closed
   * the pool without an answer.
   */
  async #asked(
    { connection }: Session,
    watch: OwnerWatch,
    kind: EditRequest['kind'],
    id: string,
    bytes: Uint8Array,
  ): Promise<Uint8Array | 'again' | 'closed' | 'refused'> {
    const outcome = deferred<Uint8Array | 'again' | 'closed' | 'refused'>()
    const asked = watch.owner.kind === 'program' ? watch.owner.session : undefined
    const isDevice = watch.owner.kind === 'device'
    let isClosed = false
    const closed = (how: 'closed' | 'refused') => {
      isClosed = true
      // Its answers come first, unless the broker has no one order; and the owner may still be saving.
      setTimeout(() => outcome.resolve(how), PAUSE_MS)
    }
    const forgetNews = watch.onNews(() => {
      const { owner } = watch
      // Where another owner comes, nobody need wait for it. It may come back: an owner before it deleted what it said.
      if (owner.kind === 'program' && (!isClosed || owner.session === asked)) outcome.resolve('again')
      else if (asked !== undefined && watch.isClosed && !isClosed) closed('closed')
      // The device went offline, or it was an owner that closes, of which NATS told one message before the other: it did
      // nothing.
      else if (isDevice && owner.kind === 'none') outcome.resolve('refused')
    })
    watch.ask(kind, id, bytes).then((answer) => {
      if (asked !== undefined && isClosing(answer)) closed('refused')
      else outcome.resolve(answer)
    }, outcome.reject)
    try {
      return await connection.orLost(outcome.promise)
    } catch (error) {
      this.#closing.signal.throwIfAborted()
      if (error instanceof PublishRefused) throw this.#denied(error.reasonCode)
      await delay(PAUSE_MS * Math.random())
      return 'again'
    } finally {
      forgetNews()
      watch.forget(id)
    }
  }

  /** A connection; while the editor waits for an answer, the link makes a lost one again as long as there is time. */
  async #again(isWaiting: boolean, left: () => number): Promise<Seen> {
    for (;;) {
      try {
        return await this.#seen(isWaiting ? left() : this.#openTimeoutMs)
      } catch (error) {
        if (!isWaiting || this.#closing.signal.aborted || left() <= 1) throw error
        await delay(Math.min(left(), PAUSE_MS * (1 + Math.random())))
      }
    }
  }

  #seen(limitMs: number, pauses?: Backoff): Promise<Seen> {
    this.#opening ??= this.#open(limitMs, pauses).catch((error) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #open(limitMs: number, pauses: Backoff | undefined): Promise<Seen> {
    const session = await this.#opener.open({ limitMs, pauses, closing: this.#closing.signal })
    // Where the broker does not let this editor see who owns the pool, it sees nobody.
    const { connection } = session
    const seen = this.#watch?.connection === connection ? this.#watch : undefined
    const watch = seen ?? new OwnerWatch(connection, this.#address.topic, undefined, '')
    this.#watch = watch
    this.#last = { session, watch }
    void session.connection.lost.then(() => {
      this.#opening = undefined
    })
    return this.#last
  }

  #denied(received: number): PersistError {
    const { storeName: store, topic } = this.#address
    const text =
      `The owner of the pool of ${store} could not be asked: the broker refused the message. ` +
      `Give this user write permission on ${topic}/set/# and ${topic}/increment/#. Nothing was changed.`
    return new PersistError('ERR_PERSIST_DENIED', text, { store, received })
  }

  #notApart(): PersistError {
    const store = this.#address.storeName
    const text =
      `The owner of the pool of ${store} is not connected, and this editor may be the reason: the broker ends a connection ` +
      'when another client comes, as if both had the same client id. Nothing was changed. If the broker takes the user ' +
      'name for it (Mosquitto: use_username_as_clientid), give each program a user of its own; with force: true a change ' +
      'is made without asking the owner.'
    return new PersistError('ERR_PERSIST_NO_ANSWER', text, { store })
  }

  #notSeen(cause: unknown): PersistError {
    const store = this.#address.storeName
    const text =
      `The pool of ${store} was changed, but then this editor lost its connection and got no other one: an owner may have come ` +
      'meanwhile and may have undone the change. Look at the pool, and ask again if it has.'
    return new PersistError('ERR_PERSIST_NO_ANSWER', text, { store, cause })
  }

  #noAnswer(limitMs: number, asked: string): PersistError {
    const store = this.#address.storeName
    if (asked === 'replaced') {
      const text =
        `The owner of the pool of ${store} was closed or replaced by another one while it was asked. It may ` +
        'or may not have made the change. Look at the pool, and ask again if it has not.'
      return new PersistError('ERR_PERSIST_NO_ANSWER', text, { store })
    }
    const text =
      asked === 'device'
        ? `What owns the pool of ${store} is online (tele/…/LWT) and did not answer within ${limitMs} ms: it is a ` +
          'Tasmota device, which reads its pool only when it starts and would write over any change. Nothing was ' +
          `changed. Switch it off first; or pass force: true, and ${TAKE_OVER_ADVICE}.`
        : `The owner of the pool of ${store} did not answer within ${limitMs} ms. It may or may not have made the ` +
          'change. Look at the pool; with force: true a change is made without asking the owner.'
    return new PersistError('ERR_PERSIST_NO_ANSWER', text, { store })
  }
}

/** The answer of an owner that is being closed, and has not begun with what it was asked. */
function isClosing(answer: Uint8Array): boolean {
  return answer.length < 2000 && new TextDecoder().decode(answer).includes('"code":"ERR_PERSIST_CLOSED"')
}
