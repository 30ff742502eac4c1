import type { LivePools } from './live.ts'

/** So much is sent at a time, in characters. */
const CHUNK_CHARACTERS = 256 * 1024
/** Sends something at least this often, in milliseconds: else nobody would notice a connection that is dead. */
const SILENCE_MS = 15_000

const encoder = new TextEncoder()

/**
 * Server-sent events (HTML, 9.2): everything from the event of this id on, or a snapshot first where there is a gap.
 *
 * It only ever holds one chunk: a page that reads slowly, or sleeps, gets the rest later, from the log.
 */
export function eventStream(live: LivePools, lastId: string | null, signal: AbortSignal): ReadableStream<Uint8Array> {
  const { events } = live
  let number = events.numberIn(lastId)
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        signal.addEventListener('abort', () => controller.close(), { once: true })
      },
      async pull(controller) {
        const text = await next()
        if (!signal.aborted) controller.enqueue(encoder.encode(text))
      },
    },
    { highWaterMark: 1 },
  )

  async function next(): Promise<string> {
    const first = number === undefined ? undefined : events.after(number, CHUNK_CHARACTERS)
    if (first === undefined || number === undefined) {
      number = events.last
      return eventText(events.idOf(number), JSON.stringify(live.snapshot()))
    }
    if (first.length === 0) {
      await Promise.race([events.news(number, signal), silence(signal)])
      const later = events.after(number, CHUNK_CHARACTERS)
      if (later?.length === 0) return ': nothing new\n\n'
      return later === undefined ? next() : told(later)
    }
    return told(first)
  }

  function told(list: readonly (readonly [number: number, text: string])[]): string {
    number = list.at(-1)?.[0] ?? number
    return list.map(([one, text]) => eventText(events.idOf(one), text)).join('')
  }
}

function eventText(id: string, data: string): string {
  return `id: ${id}\ndata: ${data}\n\n`
}

async function silence(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, SILENCE_MS)
    timer.unref()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
