import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { atExit } from './at-exit.ts'
import { PacketEnds } from './packet-ends.ts'

export type Direction = 'up' | 'down'

export interface FaultProxy {
  /** `mqtt://127.0.0.1:…` */
  readonly url: string
  /** Ends all connections at once, on both sides (RST). */
  cut(): void
  /** Keeps back what comes, in one direction or both, and the connections open. */
  freeze(...directions: Direction[]): void
  /** Lets all through that was kept back. */
  thaw(): void
  /** Each direction takes that much longer. */
  delay(ms: number): void
  /** For each direction and connection; 0 is no limit. */
  throttle(bytesPerSecond: number): void
  /**
   * The next PUBLISH from a client that wants an acknowledgement gets to the server, and the connection ends before the
   * acknowledgement gets back: whoever sends again, sends twice.
   */
  cutAfterPublish(): void
  /** As a link without faults, from now on. */
  heal(): void
  close(): Promise<void>
}

/** How long the server may take to read what has got through, in ms, before the connection to it ends. */
const READING_MS = 30

/** A TCP proxy in front of an MQTT broker that fails as networks do; `target` is asked at each connection. */
export async function startFaultProxy(target: () => { port: number }): Promise<FaultProxy> {
  const pipes = new Set<Pipe>()
  const sockets = new Set<Socket>()
  const link: Link = { delayMs: 0, bytesPerSecond: 0, frozen: new Set(), cutsAfterPublish: false }

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: target().port, host: '127.0.0.1', noDelay: true })
    const end = () => {
      for (const socket of [client, upstream]) {
        sockets.delete(socket)
        if (!socket.destroyed) socket.resetAndDestroy()
      }
      for (const pipe of own) {
        pipe.stop()
        pipes.delete(pipe)
      }
    }
    const up = new Pipe(link, 'up', upstream, () => {
      // What has come this far is on its way; the answer is not let through any more.
      down.stop()
      setTimeout(end, READING_MS)
    })
    const down = new Pipe(link, 'down', client)
    const own = [up, down]
    for (const [from, pipe] of [
      [client, up],
      [upstream, down],
    ] as const) {
      sockets.add(from)
      pipes.add(pipe)
      from.on('data', (data) => pipe.push(data))
      from.on('error', end)
      // An end in order comes after the last bytes, as through a cable.
      from.on('end', () => pipe.push(null))
      from.on('close', () => pipe.push(null))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of [...sockets]) socket.resetAndDestroy()
    for (const pipe of pipes) pipe.stop()
    sockets.clear()
    pipes.clear()
  }
  const proceed = () => {
    for (const pipe of [...pipes]) pipe.proceed()
  }
  atExit(cut)
  const { port } = server.address() as AddressInfo
  return {
    url: `mqtt://127.0.0.1:${port}`,
    cut,
    freeze: (...directions) => {
      for (const direction of directions) link.frozen.add(direction)
    },
    thaw: () => {
      link.frozen.clear()
      proceed()
    },
    delay: (ms) => {
      link.delayMs = ms
    },
    throttle: (bytesPerSecond) => {
      link.bytesPerSecond = bytesPerSecond
    },
    cutAfterPublish: () => {
      link.cutsAfterPublish = true
    },
    heal: () => {
      Object.assign(link, { delayMs: 0, bytesPerSecond: 0, cutsAfterPublish: false })
      link.frozen.clear()
      proceed()
    },
    close: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}

/** What is wrong with a link. */
interface Link {
  delayMs: number
  bytesPerSecond: number
  readonly frozen: Set<Direction>
  cutsAfterPublish: boolean
}

/** One direction of a connection: passes chunks on in their order, each when it is due. */
class Pipe {
  readonly #link: Link
  readonly #direction: Direction
  readonly #to: Socket
  readonly #onPublish: (() => void) | undefined
  readonly #packets: PacketEnds = new PacketEnds()
  readonly #chunks: { due: number; data: Buffer | null }[] = []
  #timer: NodeJS.Timeout | undefined
  #freeAt = 0
  #isStopped = false

  constructor(link: Link, direction: Direction, to: Socket, onPublish?: () => void) {
    this.#link = link
    this.#direction = direction
    this.#to = to
    this.#onPublish = onPublish
  }

  /** null: nothing more comes. */
  push(data: Buffer | null): void {
    if (this.#isStopped) return
    const now = performance.now()
    const { delayMs, bytesPerSecond } = this.#link
    if (bytesPerSecond > 0) {
      this.#freeAt = Math.max(now, this.#freeAt) + ((data?.length ?? 0) * 1000) / bytesPerSecond
    }
    this.#chunks.push({ due: Math.max(now, this.#freeAt) + delayMs, data })
    this.proceed()
  }

  proceed(): void {
    for (;;) {
      const [first] = this.#chunks
      if (first === undefined || this.#timer !== undefined || this.#link.frozen.has(this.#direction)) return
      const left = first.due - performance.now()
      if (left > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined
          this.proceed()
        }, Math.ceil(left))
        return
      }
      this.#chunks.shift()
      this.#pass(first.data)
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#chunks.length = 0
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #pass(data: Buffer | null): void {
    if (data === null) {
      this.#to.end()
      return
    }
    if (!this.#to.writable) return
    const end = this.#onPublish && this.#packets.endOfPublish(data)
    if (end === undefined || !this.#link.cutsAfterPublish) {
      this.#to.write(data)
      return
    }
    this.#link.cutsAfterPublish = false
    this.#to.write(data.subarray(0, end))
    this.stop()
    this.#onPublish?.()
  }
}
