import { encodeText } from '../format/bytes.ts'
import { deferred, pause } from '../runtime/promises.ts'
import type { LivePools } from './live-pools.ts'

/** The largest piece that is sent at once, in characters. */
const CHUNK_CHARACTERS = 256 * 1024
/** The longest silence, in milliseconds: without traffic, neither side notices a dead connection. */
const SILENCE_MS = 15_000

/**
 * Server-sent events (HTML, 9.2): everything from the event of this id on, or a snapshot first where there is a gap.
 *
 * It buffers one piece at most: a page that reads slowly, or sleeps, gets the rest from the log later.
 */
export function eventStream(
  livePools: LivePools,
  lastId: string | null,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const { events } = livePools
  let number = events.numberIn(lastId)
  let news = deferred<void>()
  const wake = () => news.resolve()
  const stop = events.onNews(wake)
  signal.addEventListener(
    'abort',
    () => {
      stop()
      wake()
    },
    { once: true },
  )
  const next = async () => {
    if (number === events.last) {
      news = deferred()
      await pause(SILENCE_MS, news.promise)
    }
    const list = number === undefined ? undefined : events.after(number, CHUNK_CHARACTERS)
    if (list?.length === 0) return ': nothing new\n\n'
    number = list?.at(-1)?.[0] ?? events.last
    if (list === undefined) return eventText(events.idOf(number), JSON.stringify(livePools.snapshot()))
    return list.map(([one, text]) => eventText(events.idOf(one), text)).join('')
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (signal.aborted) return controller.close()
        const text = await next()
        if (signal.aborted) controller.close()
        else controller.enqueue(encodeText(text))
      },
      cancel: stop,
    },
    { highWaterMark: 1 },
  )
}

function eventText(id: string, data: string): string {
  return `id: ${id}\ndata: ${data}\n\n`
}
