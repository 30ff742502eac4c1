/** What is saved when the program stops; both within a limit in milliseconds, and both may reject. */
export interface Leaving {
  /** Saves what is unsaved. */
  saveWithin(limitMs: number): Promise<void>
  /** Saves what is unsaved, and lets go. */
  close(limitMs: number): Promise<void>
}

/** How long a program that was told to stop goes on to save, in milliseconds: systemd and docker kill after 10 s or more. */
const LIMIT_MS = 5000

/** Bundlers may give a page a `process`, but none with a version of Node. */
const isNode = typeof globalThis.process?.versions?.node === 'string'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

const open = new Set<Leaving>()
let stopping: Promise<void> | undefined

/**
 * Saves a store when the program stops as planned: SIGINT, SIGTERM, an event loop with nothing left to do; in a browser
 * when the page is hidden or left. The result takes the store off the list.
 */
export function saveOnExit(store: Leaving): () => void {
  if (open.size === 0) listen()
  open.add(store)
  return () => {
    open.delete(store)
    if (open.size === 0 && stopping === undefined) stopListening()
  }
}

function saveAll(): void {
  // What fails is an 'error' event of its store.
  for (const store of open) store.saveWithin(LIMIT_MS).catch(() => {})
}

function closeAll(): Promise<void> {
  stopping ??= Promise.allSettled(Array.from(open, (store) => store.close(LIMIT_MS))).then(() => {
    stopping = undefined
    if (open.size === 0) stopListening()
  })
  return stopping
}

/**
 * How many listeners only wait, as ours does, for nobody else to listen: those of the package signal-exit, which many
 * programs have without knowing. It and we would wait for each other, and the signal would do nothing.
 */
function signalExitCount(): number {
  const { [Symbol.for('signal-exit emitter')]: emitter } = globalThis as { [name: symbol]: unknown }
  return (emitter as { count?: number } | undefined)?.count ?? 0
}

function onSignal(signal: NodeJS.Signals): void {
  // A listener of the application takes the signal over, as always in Node: it decides when and how the process ends,
  // or that it goes on; until then the stores may still be used.
  if (process.listenerCount(signal) - signalExitCount() > 1) {
    saveAll()
    return
  }
  void closeAll().then(() => {
    stopListening()
    // With no listener left the signal does what it does by default: the parent sees that it ended this process.
    process.kill(process.pid, signal)
  })
}

/** Node emits it again after the save has kept it busy; by then no store is open. */
function onBeforeExit(): void {
  void closeAll()
}

/** Often the last that a page hears: the browser may end a hidden page without another word. */
function onVisibilityChange(): void {
  if (document.visibilityState === 'hidden') saveAll()
}

/** A page that is left gets no time to wait for an answer, and often none to send. */
function onPageHide(event: { persisted?: boolean }): void {
  if (event.persisted !== true) void closeAll()
}

function listen(): void {
  if (isNode) {
    // First in line: a listener of the application that was set with `once` is no longer counted after it was called.
    for (const signal of SIGNALS) process.prependListener(signal, onSignal)
    process.on('beforeExit', onBeforeExit)
  } else {
    globalThis.addEventListener?.('pagehide', onPageHide)
    globalThis.document?.addEventListener('visibilitychange', onVisibilityChange)
  }
}

function stopListening(): void {
  if (isNode) {
    for (const signal of SIGNALS) process.off(signal, onSignal)
    process.off('beforeExit', onBeforeExit)
  } else {
    globalThis.removeEventListener?.('pagehide', onPageHide)
    globalThis.document?.removeEventListener('visibilitychange', onVisibilityChange)
  }
}
