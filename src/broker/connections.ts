import type { Socket } from 'node:net'
import { CONNECT_BYTES } from './limits.ts'

/** More than that over WebSocket before the login: a message is there when it is whole, and no sooner. */
const EARLY_BYTES = 2 * CONNECT_BYTES

/** The network connections of all listeners: so many at most, and little of each that has not logged in. */
export class Connections {
  readonly #most: number
  readonly #full: () => void
  /** By their two ends: over TLS, those who accept a connection and those who log in see different objects. */
  readonly #strangers = new Map<string, Socket>()
  #count = 0
  #isFull = false

  /**
   * @param most how many there may be
   * @param full called when a connection had to go
   */
  constructor(most: number, full: () => void) {
    this.#most = most
    this.#full = full
  }

  /** A connection was accepted. */
  add(socket: Socket): void {
    const ends = endsOf(socket)
    this.#count += 1
    this.#strangers.set(ends, socket)
    socket.once('close', () => {
      this.#count -= 1
      this.#isFull &&= this.#count >= this.#most
      if (this.#strangers.get(ends) === socket) this.#strangers.delete(ends)
    })
    if (this.#count <= this.#most) return
    // The oldest of those that have not logged in; it may be the new one itself.
    const [[key, oldest] = [ends, socket]] = this.#strangers
    this.#strangers.delete(key)
    oldest.destroy()
    if (!this.#isFull) this.#full()
    this.#isFull = true
  }

  /** Ends a WebSocket connection that brings too much before it has logged in. */
  limitEarly(socket: Socket): void {
    let bytes = 0
    const ends = endsOf(socket)
    const count = (part: Uint8Array) => {
      bytes += part.length
      if (!this.#strangers.has(ends)) socket.off('data', count)
      else if (bytes > EARLY_BYTES) socket.destroy()
    }
    socket.on('data', count)
  }

  loggedIn(socket: Socket): void {
    this.#strangers.delete(endsOf(socket))
  }
}

function endsOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`
}
