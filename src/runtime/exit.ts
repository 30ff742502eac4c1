import { isNode } from './is-node.ts'

/** A store that is to be saved when the program stops. Both calls have a limit in milliseconds, and may reject. */
export interface Leaving {
  /** Saves unsaved variables. */
  saveWithin(limitMs: number): Promise<void>
  /** Saves unsaved variables, and closes the store. */
  close(limitMs: number): Promise<void>
}

/** How long a save at exit may take, in milliseconds: systemd and docker kill a program after 10 s or more. */
const LIMIT_MS = 5000

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

const open = new Set<Leaving>()
let stopping: Promise<void> | undefined

/**
 * Saves a store when the program stops: at SIGINT, at SIGTERM, when the event loop is empty; in browsers when the page
 * is hidden or left. The result ends that.
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
  stopping ??= Promise.allSettled(Array.from(open, (store) => store.close(LIMIT_MS))).then(() => {
    stopping = undefined
    if (open.size === 0) listen('off')
  })
  return stopping
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
  void closeAll().then(() => {
    listen('off')
    // Without listeners the signal ends the process by default, so that the parent process sees which signal did.
    process.kill(process.pid, signal)
  })
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
    for (const signal of SIGNALS) process[how === 'on' ? 'prependListener' : 'off'](signal, onSignal)
    process[how]('beforeExit', onBeforeExit)
  } else {
    const method = how === 'on' ? 'addEventListener' : 'removeEventListener'
    globalThis[method]?.('pagehide', onPageHide)
    globalThis.document?.[method]('visibilitychange', onVisibilityChange)
  }
}
