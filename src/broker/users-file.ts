import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { PersistError } from '../runtime/errors.ts'
import { type Deferred, deferred } from '../runtime/promises.ts'

/** Cost of a password's hash: some 30 ms and 16 MB (RFC 7914). */
const COST = { N: 16_384, r: 8, p: 1 }
const KEY_BYTES = 32
/** The largest N·r·p: 16 times that of COST. More would keep the broker busy for seconds with each login. */
const MOST_WORK = 2 ** 21
/** How many hashes are computed at once: each takes one of the four threads that also write to disk. */
const LANES = 2

/** The hash of a password: `scrypt$N$r$p$salt$key`, salt and key in Base64 (RFC 4648). */
export async function hashedPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await keyOf(password, salt, COST)
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), key.toString('base64')].join('$')
}

/** The users who may connect, and the hashes of their passwords. */
export class Users {
  readonly #hashes: ReadonlyMap<string, string>
  /** Those that wait for their turn: not more than there are connections. */
  readonly #waiting = new Set<Deferred<boolean>>()
  #checking = 0

  private constructor(hashes: ReadonlyMap<string, string>) {
    this.#hashes = hashes
  }

  /**
   * Reads lines of `name:hash`; empty lines and comments, which begin with #, are skipped.
   *
   * @param file its name, for messages
   * @throws {PersistError} ERR_PERSIST_FAILED
   */
  static read(text: string, file: string): Users {
    const hashes = new Map<string, string>()
    for (const [index, line] of text.split('\n').entries()) {
      if (line.trim() === '' || line.startsWith('#')) continue
      const [, name, hash = ''] = /^([^:]+):(\S+)\s*$/.exec(line) ?? []
      if (name === undefined || partsOf(hash) === undefined) {
        const text = `${file}, line ${index + 1}: it must be name:hash. persist-mqtt broker --users ${file} --add-user NAME writes it.`
        throw new PersistError('ERR_PERSIST_FAILED', text, { store: file })
      }
      hashes.set(name, hash)
    }
    return new Users(hashes)
  }

  get size(): number {
    return this.#hashes.size
  }

  /**
   * Is this the password of this user?
   *
   * @param gone aborted when the connection has ended: what waits is then dropped, unchecked
   */
  async mayConnect(
    name: string | undefined,
    password: string | Uint8Array | undefined,
    gone?: AbortSignal,
  ): Promise<boolean> {
    if (gone?.aborted || !(await this.#turn(gone))) return false
    try {
      return await this.#isRight(name ?? '', password ?? '')
    } finally {
      this.#next()
    }
  }

  /** Whether it comes to be checked. */
  async #turn(gone: AbortSignal | undefined): Promise<boolean> {
    if (this.#checking < LANES) {
      this.#checking += 1
      return true
    }
    const turn = deferred<boolean>()
    this.#waiting.add(turn)
    const drop = () => this.#waiting.delete(turn) && turn.resolve(false)
    gone?.addEventListener('abort', drop, { once: true })
    return turn.promise
  }

  #next(): void {
    const [turn] = this.#waiting
    if (turn === undefined) {
      this.#checking -= 1
      return
    }
    this.#waiting.delete(turn)
    turn.resolve(true)
  }

  async #isRight(name: string, password: string | Uint8Array): Promise<boolean> {
    const known = this.#hashes.get(name)
    // For an unknown name, another user's hash is compared: the time taken must not show which names are known.
    const [compared = known] = known === undefined ? this.#hashes.values() : [known]
    const parts = partsOf(compared ?? '')
    if (parts === undefined) return false
    const key = await keyOf(password, parts.salt, parts)
    return timingSafeEqual(key, parts.key) && known !== undefined
  }
}

interface Parts {
  readonly N: number
  readonly r: number
  readonly p: number
  readonly salt: Buffer
  readonly key: Buffer
}

function partsOf(hash: string): Parts | undefined {
  const [, N, r, p, salt = '', key = ''] = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w+/=]+)\$([\w+/=]+)$/.exec(hash) ?? []
  const parts = {
    N: Number(N),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, 'base64'),
    key: Buffer.from(key, 'base64'),
  }
  const isPowerOfTwo = parts.N >= 2 && Number.isInteger(Math.log2(parts.N))
  const work = parts.N * parts.r * parts.p
  return isPowerOfTwo && work > 0 && work <= MOST_WORK && parts.key.length === KEY_BYTES ? parts : undefined
}

function keyOf(
  password: string | Uint8Array,
  salt: Buffer,
  { N, r, p }: Pick<Parts, 'N' | 'r' | 'p'>,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // At least twice the memory that scrypt needs (128·N·r bytes, RFC 7914).
    scrypt(password, salt, KEY_BYTES, { N, r, p, maxmem: 256 * N * r * p + 2 ** 25 }, (error, key) => {
      if (error) reject(error)
      else resolve(key)
    })
  })
}
