import { deferred } from '../runtime/promises.ts'

/**
 * Does something for each item, in their order, for several at once: the sizes of those under way are `limit` together
 * at most, or it is one alone. After a failure no further one is begun.
 *
 * @throws the first failure, when all that were begun are over
 */
export async function atOnce<Item>(
  items: Iterable<Item>,
  limit: number,
  sizeOf: (item: Item) => number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  let used = 0
  let ended = deferred<void>()
  let failure: { readonly error: unknown } | undefined
  for (const item of items) {
    const size = sizeOf(item)
    while (running.size > 0 && used + size > limit) await ended.promise
    if (failure !== undefined) break
    used += size
    const run = work(item)
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => {
        used -= size
        running.delete(run)
        ended.resolve()
        ended = deferred()
      })
    running.add(run)
  }
  await Promise.all(running)
  if (failure !== undefined) throw failure.error
}
