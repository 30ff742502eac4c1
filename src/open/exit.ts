import { listenInProcess } from '../node/process-end.ts'
import { isNode } from '../runtime/is-node.ts'
import { deferred } from '../runtime/promises.ts'

/** A store that is to be saved when the program stops. Both calls have a limit in milliseconds, and may reject. */
export interface Leaving {
  /** Saves unsaved variables. */
  saveWithin(limitMs: number): Promise<void>
  /**
   * Saves unsaved variables, unless the limit is 0, and closes the store. Until `over` is settled, what the program does
   * with it does not fail.
   */
  leave(limitMs: number, over: Promise<unknown>): Promise<void>
}

/** How long a save at exit may take, in milliseconds: systemd and docker kill a program after 10 s or more. */
const LIMIT_MS = 5000

const open = new Set<Leaving>()
let stopping: Promise<void> | undefined

/**
 * Saves a store when the program stops: at SIGINT, SIGTERM and SIGHUP, when the event loop is empty; in browsers when the
 * page is hidden or left. The result ends that.
 */
export function saveOnExit(store: Leaving): () => void {
  if (open.size === 0) listen('on')
  open.add(store)
  return () => {
    open.delete(store)
    if (open.size === 0 && stopping === undefined) listen('off')
  }
}

function saveAll(): void {
  // A failure is an 'error' event of its store.
  for (const store of open) store.saveWithin(LIMIT_MS).catch(() => {})
}

function closeAll(): Promise<void> {
  if (stopping !== undefined) return stopping
  const over = deferred<void>()
  stopping = over.promise
  void saveThenClose(over.promise).then(() => {
    stopping = undefined
    if (open.size === 0) listen('off')
    over.resolve()
  })
  return stopping
}

/** All are saved before one is closed: what the program does when the first is closed must not keep the others from it. */
async function saveThenClose(over: Promise<void>): Promise<void> {
  const end = performance.now() + LIMIT_MS
  const isSaved = new Map<Leaving, boolean>()
  const save = async (store: Leaving) => {
    isSaved.set(store, false)
    await store.saveWithin(LIMIT_MS)
    isSaved.set(store, true)
  }
  await Promise.allSettled(Array.from(open, save))
  // With what the program has changed meanwhile; a store that could not be saved is not tried again.
  const leave = (store: Leaving) =>
    store.leave(isSaved.get(store) === false ? 0 : Math.max(0, end - performance.now()), over)
  await Promise.allSettled(Array.from(open, leave))
}

/** Often the last event of a page: the browser may end a hidden page without another one. */
function onVisibilityChange(): void {
  if (document.visibilityState === 'hidden') saveAll()
}

/** A page that is left gets no time to wait for the broker, and often none to send. */
function onPageHide(event: Event): void {
  if ((event as PageTransitionEvent).persisted !== true) void closeAll()
}

/** Adds the listeners for the end of the program, or removes them. */
function listen(how: 'on' | 'off'): void {
  if (isNode()) {
    listenInProcess(how, { limitMs: LIMIT_MS, saveAll, closeAll })
  } else {
    const method = how === 'on' ? 'addEventListener' : 'removeEventListener'
    globalThis[method]?.('pagehide', onPageHide)
    globalThis.document?.[method]('visibilitychange', onVisibilityChange)
  }
}
