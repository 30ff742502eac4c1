import type { Held } from '../contracts/backend.ts'
import { encodeText } from '../format/bytes.ts'
import { check, checkBytes, checkEqual } from './assertions.ts'
import type { Bench } from './bench.ts'
import { type Case, pool } from './conformance-case.ts'

/** The backend holds the bytes that were written. */
export const holdingCases: readonly Case[] = [
  { name: 'place is a text for people, and holds no password', run: namesItsPlace },
  { name: 'open() finds a new place empty', run: startsEmpty },
  { name: 'a later backend finds what was written', run: async (bench) => findsAll(bench, [pool('kept')]) },
  { name: 'it is held as soon as write() has resolved, not only when it is closed', run: holdsAtOnce },
  { name: 'the last of several writes is held, longer or shorter', run: holdsTheLast },
  { name: 'opening and closing without a write changes nothing', run: keepsUntouched },
  {
    name: 'every byte value is held as it is',
    run: async (bench) => findsAll(bench, [everyByte(), new Uint8Array(1)]),
  },
  {
    name: 'text in any script is held as it is',
    run: async (bench) => findsAll(bench, [pool('Grüße 温度 🏡 \u0000')]),
  },
  { name: 'the largest pool is held', run: holdsTheLargest },
  { name: 'of a view into a larger buffer, only the view is written', run: writesTheView },
  { name: 'changing an array that was given to write() changes nothing that is held', run: copiesWhatItIsGiven },
  { name: 'changing the array that open() returned changes nothing that is held', run: copiesWhatItReturns },
  { name: "the store's own writes are not reported to it", run: keepsQuiet },
]

async function namesItsPlace(bench: Bench): Promise<void> {
  const { backend } = await bench.open()
  const again = bench.backend()
  checkEqual(typeof backend.place, 'string', 'the type of place')
  check(backend.place.trim() !== '', 'place: it is empty')
  // RFC 3986, 3.2.1: user:password@ in the authority of an address.
  check(!/:\/\/[^/\s]*:[^/\s]*@/.test(backend.place), 'place: it shows a password, and is part of messages and logs')
  checkEqual(again.place, backend.place, 'place of two backends on the same place, one of them not open')
}

async function startsEmpty(bench: Bench): Promise<void> {
  const { held } = await bench.open()
  checkBytes(held.bytes, null, 'open().bytes of a new place')
  checkFacts(held)
}

function checkFacts({ proof, limitBytes, protocolVersion }: Held): void {
  check(['exact', 'fence', 'settled'].includes(proof), `open().proof: expected exact, fence or settled, got ${proof}`)
  check(
    limitBytes === undefined || (Number.isFinite(limitBytes) && limitBytes > 0),
    `open().limitBytes: expected no such member or a number above 0, got ${limitBytes}`,
  )
  check(
    protocolVersion === undefined || protocolVersion === 4 || protocolVersion === 5,
    `open().protocolVersion: expected no such member, 4 or 5, got ${protocolVersion}`,
  )
}

/** Writes each of them, and reads it with another backend. */
async function findsAll(bench: Bench, contents: Uint8Array[]): Promise<void> {
  for (const bytes of contents) {
    const { write, close } = await bench.open()
    await write(bytes)
    await close()
    checkBytes(await bench.held(), bytes, 'what a later backend finds')
  }
}

async function holdsAtOnce(bench: Bench): Promise<void> {
  const { write } = await bench.open()
  await write(pool('kept'))
  // The first backend stays open, as that of a program that hangs or was killed.
  checkBytes(await bench.held(), pool('kept'), 'what a backend finds that is opened while the first is open')
}

async function holdsTheLast(bench: Bench): Promise<void> {
  const { write, close } = await bench.open()
  for (const length of [10, 200, 3, 50, 1]) await write(pool('x'.repeat(length), length))
  await close()
  checkBytes(await bench.held(), pool('x', 1), 'what a later backend finds')
}

async function keepsUntouched(bench: Bench): Promise<void> {
  await findsAll(bench, [pool('kept')])
  for (let time = 0; time < 2; time++) checkBytes(await bench.held(), pool('kept'), 'what a later backend finds')
}

async function holdsTheLargest(bench: Bench): Promise<void> {
  const { held, close } = await bench.open()
  await close()
  const sizeBytes = Math.min(bench.largestBytes, held.limitBytes ?? bench.largestBytes)
  // Without a period, so that a lost or doubled piece shows.
  await findsAll(bench, [Uint8Array.from({ length: sizeBytes }, (_, at) => 32 + ((at ^ (at >> 7) ^ (at >> 13)) % 64))])
}

async function writesTheView(bench: Bench): Promise<void> {
  const larger = encodeText(`before${JSON.stringify({ inside: 1 })}after`)
  await findsAll(bench, [larger.subarray(6, larger.length - 5)])
}

async function copiesWhatItIsGiven(bench: Bench): Promise<void> {
  const contents = [pool('first'), SharingSlice.from(pool('second'))]
  for (const inOrder of [contents, contents.toReversed()]) {
    const { write, close, heard } = await bench.open()
    let last: Uint8Array | null = null
    for (const content of inOrder) {
      last = Uint8Array.from(content)
      const given = content.map((byte) => byte)
      const writing = write(given)
      given.fill(0x21)
      await writing
      given.fill(0x22)
    }
    await close()
    checkEqual(heard.calls.join(), '', 'calls of the listener')
    checkBytes(await bench.held(), last, 'what is held after the array that was written was changed')
  }
}

async function copiesWhatItReturns(bench: Bench): Promise<void> {
  await findsAll(bench, [pool('kept')])
  const { held, write, close, heard } = await bench.open()
  held.bytes?.fill(0x21)
  await write(pool('next'))
  await close()
  checkEqual(heard.calls.join(), '', 'calls of the listener')
  const second = await bench.open()
  second.held.bytes?.fill(0x21)
  await second.close()
  checkBytes(await bench.held(), pool('next'), 'what is held after the array that open() returned was changed')
}

async function keepsQuiet(bench: Bench): Promise<void> {
  const { write, close, heard } = await bench.open()
  for (let value = 0; value < 5; value++) await write(pool(value))
  // The same bytes again, and bytes that were held earlier, are own writes, too.
  for (const value of [4, 4, 0]) await write(pool(value))
  await close()
  checkEqual(heard.calls.join(), '', 'calls of the listener while nobody else wrote')
}

function everyByte(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => byte)
}

/** Like Node's Buffer, whose slice() does not copy. */
class SharingSlice extends Uint8Array {
  override slice(start?: number, end?: number): Uint8Array<ArrayBuffer> {
    return this.subarray(start, end) as Uint8Array<ArrayBuffer>
  }
}
