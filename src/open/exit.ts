import { isNode } from './is-node.ts'
import { deferred } from './promises.ts'
import { advise } from './warning.ts'

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

/** After so long, in milliseconds, whoever waits is told what for. */
const SILENT_MS = 1000

/** SIGHUP: the terminal was closed. By their numbers, which make the exit code of a program that cannot be killed. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

type Signal = keyof typeof SIGNALS

const open = new Set<Leaving>()
let stopping: Promise<void> | undefined
/** The next signal ends the program at once. */
let mayGiveUp = false
let isWorkerTold = false

/**
 * Saves a store when the program stops: at SIGINT, SIGTERM and SIGHUP, when the event loop is empty; in browsers when the
 * page is hidden or left. The result ends that.
 */
export function saveOnExit(store: Leaving): () => void {
  if (open.size === 0) listen('on')
  if (!isWorkerTold && isWorker()) {
    isWorkerTold = true
    advise('WARN_PERSIST_WORKER', IN_A_WORKER)
  }
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

const IN_A_WORKER =
  'A store is open in a worker thread, where Node delivers no signals: at Ctrl-C and SIGTERM it is not saved. Have the main ' +
  'thread tell the worker, and the worker await pt.$close() (README, "When it is saved"). saveOnExit: false turns this off.'

function isWorker(): boolean {
  const threads = isNode() ? process.getBuiltinModule('node:worker_threads') : undefined
  return threads?.isMainThread === false
}

/**
 * How many listeners the package signal-exit has, which many programs use without knowing. Like ours, they act only
 * where no other listener is: each would wait for the other, and the signal would do nothing.
 */
function signalExitCount(): number {
  const { [Symbol.for('signal-exit emitter')]: emitter } = globalThis as { [name: symbol]: unknown }
  return (emitter as { count?: number } | undefined)?.count ?? 0
}

function onSignal(signal: NodeJS.Signals): void {
  // A listener of the application takes the signal over, as always in Node: it decides whether, when and how the
  // process ends, and may use the stores until then.
  if (process.listenerCount(signal) - signalExitCount() > 1) {
    saveAll()
    return
  }
  // With the code that a shell has for it, and what is unsaved stays so.
  if (mayGiveUp) process.exit(128 + SIGNALS[signal as Signal])
  const told = setTimeout(() => tellWhy(signal), SILENT_MS)
  void closeAll().then(() => {
    clearTimeout(told)
    listen('off')
    // Without listeners the signal ends the process by default, so that the parent process sees which signal did. But
    // Linux delivers no such signal to the first process of a container: that one ends with a shell's code for it.
    if (process.pid === 1) process.exit(128 + SIGNALS[signal as Signal])
    process.kill(process.pid, signal)
  })
}

/** A second signal counts from now on, and not before: `npm run` and the terminal both send that of one Ctrl-C. */
function tellWhy(signal: NodeJS.Signals): void {
  mayGiveUp = true
  console.error(
    `persist-mqtt: saving before the program ends, for up to ${LIMIT_MS / 1000} s; the broker has not answered yet. ` +
      `Another ${signal} ends it at once, unsaved.`,
  )
}

/** Node emits 'beforeExit' again after the save; by then no store is open. */
function onBeforeExit(): void {
  void closeAll()
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
    // Before all others: a listener that the application set with `once` no longer counts after its call.
    for (const signal of Object.keys(SIGNALS) as Signal[])
      process[how === 'on' ? 'prependListener' : 'off'](signal, onSignal)
    process[how]('beforeExit', onBeforeExit)
  } else {
    const method = how === 'on' ? 'addEventListener' : 'removeEventListener'
    globalThis[method]?.('pagehide', onPageHide)
    globalThis.document?.[method]('visibilitychange', onVisibilityChange)
  }
}
