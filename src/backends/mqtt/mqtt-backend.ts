import type { Backend, BackendListener, Held, WriteOutcome } from '../../contracts/backend.ts'
import type { SideTopics } from '../../contracts/integration.ts'
import { Backoff, LAST_PAUSE_MS } from '../../mqtt/backoff.ts'
import { lateError } from '../../mqtt/connect.ts'
import { lostError } from '../../mqtt/connect-error.ts'
import type { Connection } from '../../mqtt/connection.ts'
import { ConnectionLost, wasClosed, wasTakenOver } from '../../mqtt/failure.ts'
import { asPersistError, PersistError } from '../../runtime/errors.ts'
import { unreferencedTimeout } from '../../runtime/keep-alive.ts'
import { type Deferred, deferred, pause, within } from '../../runtime/promises.ts'
import { ClientIdFight } from './client-id-fight.ts'
import { ClosedWrites } from './closed-writes.ts'
import { SubscriptionRefused, TopicChanged } from './fence.ts'
import { IntegrationTopics } from './integration-topics.ts'
import { keepBeside } from './kept-beside.ts'
import { newClaimant } from './owner/claim.ts'
import { RequestTopics } from './owner/request-topics.ts'
import { type MqttPlace, type PoolAddress, poolAddressOf } from './pool-address.ts'
import type { Session } from './session.ts'
import { SessionOpener } from './session-opener.ts'
import { refusalIn, topicChangedError, WriteFailure, writeError } from './write-error.ts'

export interface MqttBackendOptions extends MqttPlace {
  /**
   * Of several owners of one pool only the last one to come goes on; guests come and go unnoticed.
   * @default 'guest'
   */
  readonly role?: 'owner' | 'guest' | undefined
  /**
   * Where there is no broker yet, which programs may start before: opening fails at once, goes on until its limit, or goes
   * on for ever, and tells 'trouble' once when the limit is over.
   * @default none
   */
  readonly patience?: 'none' | 'limited' | 'endless' | undefined
  /** What else an owner has on its connection; called when it is opened. @default nothing */
  readonly sideTopics?: (() => readonly SideTopics[]) | undefined
}

/** How long one attempt to connect again may take, in milliseconds. */
const RECONNECT_LIMIT_MS = 30_000

/**
 * Keeps a pool as one retained message at an MQTT broker; docs/protocol.md has what is on the wire.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION where the url or the password without a user name cannot be used
 */
export function mqttBackend(options: MqttBackendOptions): Backend {
  return new MqttBackend(options)
}

class MqttBackend implements Backend {
  readonly place: string
  readonly #sideTopics: MqttBackendOptions['sideTopics']
  readonly #patience: MqttBackendOptions['patience']
  #integrations: readonly IntegrationTopics[] = []
  readonly #address: PoolAddress
  readonly #isOwner: boolean
  readonly #opener: SessionOpener
  /** What editors ask for, where this is the owner. */
  readonly #requests: RequestTopics | undefined
  /** Aborted when it is closed or taken over, for that reason. */
  readonly #closing = new AbortController()
  readonly #closed = deferred<void>()
  #session: Session | undefined
  #write: Deferred<WriteOutcome> | undefined
  readonly #pauses = new Backoff()
  #fight: ClientIdFight | undefined
  readonly #closedWrites = new ClosedWrites()
  /** Ends the pause before connecting again. */
  #awake = deferred<void>()
  /** Times in a row that the broker closed while this owner was saying that it is one. */
  #closedAnnouncements = 0

  constructor({ role = 'guest', patience = 'none', sideTopics, ...place }: MqttBackendOptions) {
    const address = poolAddressOf(place)
    const { topic } = address
    const claimant = role === 'owner' ? newClaimant(topic, place.name) : undefined
    const requests = claimant && new RequestTopics(topic, claimant.rank.session)
    this.place = address.place
    this.#sideTopics = sideTopics
    this.#requests = requests
    this.#address = address
    this.#isOwner = role === 'owner'
    this.#patience = patience
    const handlersFor = (connection: Connection) =>
      [requests, ...this.#integrations].flatMap((part) => part?.on(connection) ?? [])
    this.#opener = new SessionOpener(address, claimant && { claimant, handlersFor })
  }

  async open(listener: BackendListener, limitMs: number): Promise<Held> {
    const trouble = (error: PersistError) => listener.tell({ kind: 'trouble', error })
    const { storeName } = this.#address
    this.#integrations = (this.#sideTopics?.() ?? []).map((side) => new IntegrationTopics(side, storeName, trouble))
    this.#fight = new ClientIdFight(storeName, this.#address.givenClientId, trouble)
    let isLate = false
    const session = await this.#opener.open({
      limitMs,
      pauses: this.#patience === 'none' ? undefined : this.#pauses,
      onLate:
        this.#patience !== 'endless'
          ? undefined
          : (error) => {
              isLate = true
              trouble(error)
            },
      // Until the limit this also keeps a Node process alive; nothing else here does.
      startTimer: (fn, ms) => (isLate ? unreferencedTimeout(fn, ms) : setTimeout(fn, ms)),
      closing: this.#closing.signal,
    })
    this.#pauses.reset()
    return this.#use(session, listener)
  }

  async write(bytes: Uint8Array, limitMs: number): Promise<WriteOutcome> {
    const session = this.#session
    if (this.#isClosed) throw this.#closing.signal.reason
    if (session === undefined) throw this.#goneError()
    const refusal = this.#closedWrites.refusalOf(bytes.length)
    if (refusal !== undefined) throw refusal
    const write = deferred<WriteOutcome>()
    this.#write = write
    // A copy: the caller may change its bytes while ours are still on their way.
    session.write(new Uint8Array(bytes)).then(write.resolve, write.reject)
    const timer = setTimeout(() => {
      write.reject(lateError(this.#address.storeName, 'saved', limitMs, session.step))
      // A connection on which nothing is answered may be dead; the next one will show.
      session.connection.destroy()
    }, limitMs)
    try {
      const outcome = await write.promise
      this.#closedWrites.written()
      if (this.#fight?.error === undefined) this.#pauses.reset()
      return outcome
    } catch (thrown) {
      throw this.#writeError(thrown, bytes.length, this.#address.topic)
    } finally {
      clearTimeout(timer)
      this.#write = undefined
    }
  }

  async keepCopy(bytes: Uint8Array | null, limitMs: number): Promise<void> {
    const session = this.#session
    if (this.#isClosed) throw this.#closing.signal.reason
    if (session === undefined) throw this.#goneError()
    const { storeName, topic } = this.#address
    const copyTopic = `${topic}/before`
    // MQTT 3.1.1, 3.3.1.3: an empty retained message deletes what is retained.
    const removed = () => session.connection.publish(copyTopic, new Uint8Array(), true)
    const kept = bytes === null ? removed() : keepBeside(session, copyTopic, new Uint8Array(bytes))
    try {
      await within(kept, limitMs, () => lateError(storeName, 'saved', limitMs, `the broker to keep ${copyTopic}`))
    } catch (thrown) {
      throw this.#writeError(thrown, bytes?.length ?? 0, copyTopic)
    }
  }

  async close(): Promise<void> {
    this.#stop(this.#closedError())
    // Not without need: a page that is left has no time to wait.
    if (this.#requests?.isBusy) await this.#requests.end()
    const session = this.#session
    session?.claim?.withdraw()
    // What integrations announce may be before it.
    const sent = session?.connection.sent()
    if (sent !== undefined) await sent
    await session?.connection.end()
  }

  #stop(reason: PersistError): void {
    this.#closing.abort(reason)
    this.#closed.resolve()
    this.#write?.reject(reason)
  }

  /** There is another owner: this store must not disturb it, and comes back no more. */
  #end(session: Session, listener: BackendListener): void {
    if (this.#isClosed) return
    const error = takenOverError(this.#address.storeName)
    this.#stop(error)
    // With a DISCONNECT, so that the broker does not publish the will: the other owner is online.
    void session.connection.end()
    listener.tell({ kind: 'ended', error })
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Synchronous from here to the listener: nothing that comes meanwhile is missed, or told twice. */
  #use(session: Session, listener: BackendListener): Held {
    if (this.#isClosed) {
      session.connection.destroy()
      throw this.#closing.signal.reason
    }
    this.#session = session
    const since = performance.now()
    void session.connection.lost.then((failure) => {
      this.#session = undefined
      if (this.#isClosed) return
      if (wasTakenOver(failure) && this.#isTakeover(session)) return this.#end(session, listener)
      const lastedMs = performance.now() - since
      // Pauses go on growing where a broker takes every connection and closes it at each write.
      if (lastedMs > LAST_PAUSE_MS) this.#pauses.reset()
      this.#fight?.lost(failure, lastedMs, this.#opener.isIdSecret)
      const error = this.#fight?.error ?? lostError(failure, this.#address.storeName)
      listener.tell({ kind: 'offline', error })
      void this.#reconnect(listener)
    })
    void session.claim?.taken.then(() => this.#end(session, listener))
    void this.#announce(session)
    const held = session.begin(listener)
    this.#requests?.begin(listener)
    for (const side of this.#integrations) side.linked(session.connection)
    return held
  }

  /**
   * Is it another owner that has ended the connection, by coming with the client id of all owners? Where owners can say
   * who they are, the next connection tells for sure: the broker may take the user name for the client id, too.
   */
  #isTakeover({ claim }: Session): boolean {
    return this.#isOwner && !this.#opener.isIdSecret && !claim?.isReadable
  }

  async #announce({ claim }: Session): Promise<void> {
    try {
      await claim?.announce()
      this.#closedAnnouncements = 0
    } catch (thrown) {
      // Some brokers answer a message that is not allowed by closing. Once may be chance, or another owner.
      if (!(thrown instanceof ConnectionLost && wasClosed(thrown.failure))) return
      this.#closedAnnouncements += 1
      if (this.#closedAnnouncements > 1) this.#opener.giveUpSideTopics()
    }
  }

  async #reconnect(listener: BackendListener): Promise<void> {
    const reconnectLimit = {
      limitMs: RECONNECT_LIMIT_MS,
      // Trying to connect again keeps no program alive that has nothing else to do.
      startTimer: unreferencedTimeout,
      closing: this.#closing.signal,
    }
    let isTold = false
    let isAtOnce = true
    while (!this.#isClosed) {
      await pause(this.#pauses.next(), Promise.race([this.#closed.promise, this.#awake.promise]))
      if (this.#isClosed) return
      try {
        const session = await this.#opener.open(reconnectLimit)
        if (session.claim?.isTaken) return this.#end(session, listener)
        const isSuspected = this.#fight?.back(isAtOnce, this.#closedWrites.isSuspected)
        listener.tell({ kind: 'online', held: this.#use(session, listener) })
        if (isSuspected && (await this.#opener.isTakenForAnother(session.connection))) this.#fight?.known()
        return
      } catch (thrown) {
        if (this.#isClosed) return
        isAtOnce = false
        const error = asPersistError(thrown, this.#address.storeName, 'connected again')
        if (error.code !== 'ERR_PERSIST_DENIED' && error.code !== 'ERR_PERSIST_OPTION') continue
        // Somebody may give back the permission, or it was another broker.
        this.#pauses.slowDown()
        if (!isTold) listener.tell({ kind: 'trouble', error })
        isTold = true
      }
    }
  }

  #writeError(thrown: unknown, sizeBytes: number, topic: string): PersistError {
    const { storeName } = this.#address
    const found = refusalIn(thrown, sizeBytes)
    if (found instanceof WriteFailure) return writeError(found, storeName, topic)
    if (found instanceof SubscriptionRefused) return writeError(new WriteFailure('unreadable'), storeName, topic)
    if (found instanceof TopicChanged) return topicChangedError(storeName, 'saved', found)
    if (!(found instanceof ConnectionLost)) return asPersistError(found, storeName, 'saved')
    const isEachTime = wasClosed(found.failure) && this.#closedWrites.closed()
    if (!isEachTime) return lostError(found.failure, storeName)
    const error = writeError(new WriteFailure('closed each time', sizeBytes), storeName, topic)
    // Something else may be saved at once: it is what is written that has to wait, not the connection.
    // Then the store sends what it owes on the next one.
    this.#closedWrites.refuse(sizeBytes, error, () => void this.#session?.connection.end())
    this.#pauses.reset()
    this.#awake.resolve()
    this.#awake = deferred()
    return error
  }

  #closedError(): PersistError {
    const { storeName } = this.#address
    return new PersistError('ERR_PERSIST_CLOSED', `Store ${storeName} is closed.`, { store: storeName })
  }

  #goneError(): PersistError {
    const { storeName } = this.#address
    return new PersistError('ERR_PERSIST_CONNECT', `Store ${storeName} has no connection to the broker now.`, {
      store: storeName,
    })
  }
}

/** Why the backend does not connect again: the pool has another owner now. */
function takenOverError(storeName: string): PersistError {
  return new PersistError(
    'ERR_PERSIST_TAKEN_OVER',
    `Store ${storeName} was taken over: another program, or this one a second time, has opened the same pool to change it. ` +
      'This store does not connect again and can only be read. Give each program a name of its own, or open the pool ' +
      'with readOnly in all programs but one.',
    { store: storeName },
  )
}
