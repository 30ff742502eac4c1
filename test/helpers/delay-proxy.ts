import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { atExit } from './at-exit.ts'

export interface DelayProxyOptions {
  /** Where it passes everything on to: `mqtt://127.0.0.1:1883`; only host and port are used. */
  target: string
  /** For each direction: a round trip takes twice as long. @default 0 */
  delayMs?: number
}

export interface DelayProxy {
  /** Its own address, with the scheme of the target. */
  readonly url: string
  readonly port: number
  /** How many connections were made to it, those that are gone included. */
  connections(): number
  /** How many are open. */
  open(): number
  /** Bytes that came from clients, and from the server. */
  bytes(): { up: number; down: number }
  setDelay(delayMs: number): void
  /** Ends all connections at once, on both sides (RST). */
  cut(): void
  /** Lets nothing through any more, and keeps the connections open: as a broken link does. */
  freeze(): void
  /** Lets all through that has come meanwhile. */
  thaw(): void
  close(): Promise<void>
}

/** A TCP proxy that is slow, or broken, as networks are. */
export async function startDelayProxy({ target, delayMs = 0 }: DelayProxyOptions): Promise<DelayProxy> {
  const { hostname, port: targetPort, protocol } = new URL(target)
  const sockets = new Set<Socket>()
  const lines = new Set<DelayLine>()
  const bytes = { up: 0, down: 0 }
  let connections = 0
  let delay = delayMs
  let frozen = false

  const pass = (from: Socket, to: Socket, direction: keyof typeof bytes) => {
    const line = new DelayLine(() => delay)
    line.hold(frozen)
    lines.add(line)
    sockets.add(from.setNoDelay(true))
    from.on('data', (data) => {
      bytes[direction] += data.length
      line.push(() => to.writable && to.write(data))
    })
    from.on('end', () => line.push(() => to.end()))
    from.on('error', () => to.destroy())
    from.on('close', () => {
      sockets.delete(from)
      line.push(() => {
        to.destroySoon()
        lines.delete(line)
      })
    })
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    connections += 1
    const upstream = connect({ port: Number(targetPort), host: hostname, noDelay: true, allowHalfOpen: true })
    pass(client, upstream, 'up')
    pass(upstream, client, 'down')
  })
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  atExit(cut)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const hold = (value: boolean) => {
    frozen = value
    for (const line of lines) line.hold(value)
  }
  return {
    url: `${protocol}//127.0.0.1:${port}`,
    port,
    connections: () => connections,
    open: () => sockets.size / 2,
    bytes: () => ({ ...bytes }),
    setDelay: (value) => {
      delay = value
    },
    cut,
    freeze: () => hold(true),
    thaw: () => hold(false),
    close: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}

/** Runs steps in their order, each as late as the delay says. */
class DelayLine {
  readonly #delay: () => number
  readonly #steps: { due: number; run: () => void }[] = []
  #held = false
  #timer: NodeJS.Timeout | undefined

  constructor(delay: () => number) {
    this.#delay = delay
  }

  push(run: () => void): void {
    this.#steps.push({ due: performance.now() + this.#delay(), run })
    this.#next()
  }

  hold(held: boolean): void {
    this.#held = held
    this.#next()
  }

  #next(): void {
    for (;;) {
      const [first] = this.#steps
      if (this.#held || first === undefined || this.#timer !== undefined) return
      const left = first.due - performance.now()
      if (left > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined
          this.#next()
        }, Math.ceil(left))
        return
      }
      this.#steps.shift()
      first.run()
    }
  }
}
