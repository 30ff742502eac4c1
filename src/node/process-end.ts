/** What is to be done at the end of a program. */
interface Ending {
  /** How long `closeAll` takes at most, in milliseconds. */
  readonly limitMs: number
  saveAll(): void
  closeAll(): Promise<void>
}

/** After so long, in milliseconds, whoever waits is told what for. */
const SILENT_MS = 1000

/** SIGHUP: the terminal was closed. By their numbers, which make the exit code of a program that cannot be killed. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

type Signal = keyof typeof SIGNALS

let ending: Ending
/** The next signal ends the program at once. */
let mayGiveUp = false
let isWorkerTold = false

/** Adds the listeners for the end of this process, or removes them. */
export function listenInProcess(how: 'on' | 'off', toDo: Ending): void {
  ending = toDo
  listen(how)
}

function listen(how: 'on' | 'off'): void {
  if (how === 'on') tellWorker()
  // Before all others: a listener that the application set with `once` no longer counts after its call.
  for (const signal of Object.keys(SIGNALS) as Signal[])
    process[how === 'on' ? 'prependListener' : 'off'](signal, onSignal)
  process[how]('beforeExit', onBeforeExit)
}

const IN_A_WORKER =
  'A store is open in a worker thread, where Node delivers no signals: at Ctrl-C and SIGTERM it is not saved. Have the main ' +
  'thread tell the worker, and the worker await pt.$close() (README, "When it is saved"). saveOnExit: false turns this off.'

function tellWorker(): void {
  if (isWorkerTold || process.getBuiltinModule('node:worker_threads').isMainThread) return
  isWorkerTold = true
  process.emitWarning(IN_A_WORKER, { type: 'PersistWarning', code: 'WARN_PERSIST_WORKER' })
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
    ending.saveAll()
    return
  }
  // With the code that a shell has for it, and what is unsaved stays so.
  if (mayGiveUp) process.exit(128 + SIGNALS[signal as Signal])
  const told = setTimeout(() => tellWhy(signal), SILENT_MS)
  void ending.closeAll().then(() => {
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
    `persist-mqtt: saving before the program ends, for up to ${ending.limitMs / 1000} s; the broker has not answered yet. ` +
      `Another ${signal} ends it at once, unsaved.`,
  )
}

/** Node emits 'beforeExit' again after the save; by then no store is open. */
function onBeforeExit(): void {
  void ending.closeAll()
}
