import type { Server } from '../../mqtt/address.ts'
import { type Attempts, type ConnectLimit, connect, connectBy, type ServerAttempt } from '../../mqtt/connect.ts'
import type { Connection } from '../../mqtt/connection.ts'
import { wasClosed } from '../../mqtt/failure.ts'
import { firstHandshake } from '../../mqtt/handshake.ts'
import { codeText, reasonFor } from '../../mqtt/reason-codes.ts'
import { PersistError } from '../../runtime/errors.ts'
import { SubscriptionRefused, TopicChanged } from './fence.ts'
import { type Attempt, nextAttempt } from './next-attempt.ts'
import { Claim, type Claimant, willOf } from './owner/claim.ts'
import { ownerClientId } from './owner/owner-client-id.ts'
import type { PoolAddress } from './pool-address.ts'
import { Session } from './session.ts'
import type { TopicHandler } from './topic-handler.ts'
import { topicChangedError } from './write-error.ts'

/** MQTT 5, 2.4. */
const NOT_AUTHORIZED = 0x87

/** How long another client may take to connect, in milliseconds: to a broker that has just answered. */
const OTHER_LIMIT_MS = 5000

/** What the sessions of an owner, or an editor, do beside the pool, if the broker lets them. */
export interface SessionRole {
  /** Of an owner; editors have none. */
  readonly claimant: Claimant | undefined
  /** What else is listened to on a connection. */
  handlersFor(connection: Connection): readonly TopicHandler[]
}

/** Opens one session of a pool after the other; each begins with what worked for the one before. */
export class SessionOpener {
  readonly #address: PoolAddress
  readonly #role: SessionRole | undefined
  /** Nobody can have the client id of the last session by choice: it is random, and of this store alone. */
  isIdSecret = false
  /** The one that worked last comes first. */
  #servers: readonly Server[]
  /** How the next session begins, but for the server and how a connection to it begins. */
  #first: Omit<Attempt, keyof ServerAttempt>

  /** @param role undefined for guests, which have nothing to do beside the pool */
  constructor(address: PoolAddress, role: SessionRole | undefined) {
    this.#address = address
    this.#role = role
    this.#servers = address.servers
    this.#first = {
      clientId:
        role?.claimant === undefined ? address.clientId : (address.givenClientId ?? ownerClientId(address.topic)),
      usesSideTopics: role !== undefined,
      hasWill: role?.claimant !== undefined,
      fencePlace: 'private',
      isRepeated: false,
    }
  }

  /**
   * Connects and probes the pool, by other ways where the broker wants it so.
   *
   * @throws {PersistError} ERR_PERSIST_CONNECT, _DENIED, _OPTION, _TIMEOUT; the reason of `limit.closing`
   */
  async open(limit: ConnectLimit): Promise<Session> {
    const start = performance.now()
    const left = () => ({ ...limit, limitMs: Math.max(1, limit.limitMs - (performance.now() - start)) })
    const session = await this.#openComplete(limit, left)
    if (session.claim === undefined || session.claim.comes() || !this.#first.hasWill) return session
    await session.connection.end()
    return this.#openComplete(left(), left)
  }

  async #openComplete(limit: ConnectLimit, left: () => ConnectLimit): Promise<Session> {
    const { usesSideTopics, hasWill } = this.#first
    const session = await this.#open(limit)
    if (this.#first.usesSideTopics === usesSideTopics && this.#first.hasWill === hasWill) return session
    // A link that breaks, and a broker that is being restarted, look like a broker that closes at these. Whoever does
    // without them for that sees no owner: so it is tried once more, now that the broker is known to be well.
    await session.connection.end()
    this.#first = { ...this.#first, usesSideTopics, hasWill }
    return this.#open(left())
  }

  async #open(limit: ConnectLimit): Promise<Session> {
    const address = this.#address
    const { storeName, clientId } = address
    /** Of the attempt under way. */
    let session: Session | undefined
    const attempts: Attempts<Attempt, Session> = {
      storeName,
      servers: this.#servers,
      first: (server) => ({
        ...firstHandshake(address.protocolVersion, server.endpoint.text),
        ...this.#first,
        server,
      }),
      settingsOf: (attempt) => {
        const claimant = attempt.hasWill ? this.#role?.claimant : undefined
        return { ...address, ...attempt.server, ...attempt, ...(claimant && willOf(claimant)) }
      },
      prepare: async (connection, attempt, onStep) => {
        const opened = this.#sessionOn(connection, attempt)
        session = opened
        onStep(() => opened.step)
        await opened.probe()
        const { server, usesSideTopics, hasWill } = attempt
        this.isIdSecret = attempt.clientId === clientId && address.givenClientId === undefined
        // An owner that comes from now on comes later: its connection is not to be ended by this store.
        this.#first = { clientId, usesSideTopics, hasWill, fencePlace: opened.fencePlace, isRepeated: false }
        this.#servers = [server, ...this.#servers.filter((other) => other !== server)]
        return opened
      },
      next: (failure, attempt, isOpen) => {
        const next = nextAttempt(failure, attempt, isOpen ? session?.fencePlace : undefined, address)
        if (next === 'unreadable') throw unreadableError(address)
        return next
      },
    }
    try {
      return await connectBy(attempts, limit)
    } catch (error) {
      if (error instanceof SubscriptionRefused) throw unreadableError(address, error)
      throw error instanceof TopicChanged ? topicChangedError(storeName, 'opened', error) : error
    }
  }

  /**
   * Does the broker take a client with another client id for the one of this connection, and end that? It makes one to
   * find out.
   */
  async isTakenForAnother(connection: Connection): Promise<boolean> {
    const { topic } = this.#address
    const servers = this.#servers.slice(0, 1)
    // Whatever a connection is asked, an answer shows that it is still there.
    const isThere = (one: Connection) =>
      one.subscribe([topic]).then(
        () => true,
        () => false,
      )
    try {
      const other = await connect({ ...this.#address, servers, givenClientId: undefined }, OTHER_LIMIT_MS)
      const isOne = !(await isThere(connection)) && wasClosed(await connection.lost) && (await isThere(other))
      await other.end()
      return isOne
    } catch {
      // The network is gone, or the broker.
      return false
    }
  }

  /** The broker closes at what an owner says beside its pool: sessions do without from now on. */
  giveUpSideTopics(): void {
    this.#first = { ...this.#first, usesSideTopics: false, hasWill: false }
  }

  #roleIn({ usesSideTopics }: Attempt): SessionRole | undefined {
    return usesSideTopics ? this.#role : undefined
  }

  #sessionOn(connection: Connection, attempt: Attempt): Session {
    const role = this.#roleIn(attempt)
    const claim = role?.claimant && new Claim(connection, role.claimant)
    return new Session(connection, this.#address.topic, attempt.fencePlace, claim, role?.handlersFor(connection) ?? [])
  }
}

const OTHER_NAME = 'Or use a name of letters, digits, - and _ (NATS takes no blanks, and no dots before 2.10).'

function unreadableError({ storeName, topic }: PoolAddress, refused?: SubscriptionRefused): PersistError {
  const how = refused ? `refused (${codeText(refused.reasonCode, refused.reasonString)})` : 'closed the connection at'
  const isDenied = refused?.reasonCode === NOT_AUTHORIZED
  // Where it says nothing of why, and the topic has characters that not all brokers take, that is as likely.
  const isPlain = isDenied || /^[\w/-]*$/.test(topic)
  const reason = refused && !isDenied ? reasonFor(refused.reasonCode) : undefined
  const permission = `Give this user read permission there.${isPlain ? '' : ` ${OTHER_NAME}`}`
  const advice = reason ? `It says that ${reason.what}. ${reason.advice}` : permission
  return new PersistError(
    'ERR_PERSIST_DENIED',
    `Store ${storeName} was not opened: the broker ${how} the subscription to ${topic}. ${advice}`,
    { store: storeName, ...(refused && { received: refused.reasonCode }) },
  )
}
