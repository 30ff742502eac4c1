import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { StoreOptions } from '../../src/index.ts'
import { type Deferred, deferred } from '../../src/runtime/promises.ts'
import { atExit } from '../helpers/at-exit.ts'
import type { History } from './history.ts'
import type { OwnerCommand, OwnerReport } from './owner-process.ts'
import type { Writes } from './schedule.ts'

export interface OwnerState {
  /** The pool as JSON. */
  readonly text: string
  /** It is linked, and has nothing to save. */
  readonly isQuiet: boolean
}

/** The process that owns the pool; it is killed and started again. */
export class Owner {
  readonly #program: string
  readonly #options: StoreOptions
  readonly #history: History
  /** What is retained is no pool: somebody has to look after it. */
  readonly #onBadPool: () => Promise<void>
  readonly #states = new Map<number, (state: OwnerState) => void>()
  readonly #saves = new Map<number, (isSaved: boolean) => void>()
  #child: ChildProcess | undefined
  #opened: Deferred<void> = deferred<void>()
  session = 0
  isUp = false
  /** How many saves were confirmed. */
  confirmed = 0

  constructor(program: string, options: StoreOptions, history: History, onBadPool: () => Promise<void>) {
    this.#program = program
    this.#options = options
    this.#history = history
    this.#onBadPool = onBadPool
  }

  /** Starts it; it opens the pool when it can. */
  start(): void {
    this.session += 1
    this.#opened = deferred()
    const child = fork(this.#program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child = child
    atExit(() => child.kill('SIGKILL'))
    const { session } = this
    child.on('message', (report) => this.#report(report as OwnerReport, session))
    this.#send({ do: 'open', options: this.#options })
  }

  up(): Promise<void> {
    return this.#opened.promise
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#child = undefined
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    const hasJournal = this.#options.journal !== undefined
    this.#history.record({ type: 'owner-killed', session: this.session, hasJournal })
    this.isUp = false
    for (const answer of this.#saves.values()) answer(false)
    this.#saves.clear()
    await ended
  }

  /** Sets variables; resolves with whether they are saved, false where it was not asked to save them, or not up. */
  set(values: Writes, save: boolean): Promise<boolean> {
    if (!this.isUp) return Promise.resolve(false)
    const id = this.#history.newId()
    this.#history.record({ type: 'set', id, session: this.session, values, save })
    this.#send({ do: 'set', id, values, save })
    return save ? new Promise((resolve) => this.#saves.set(id, resolve)) : Promise.resolve(false)
  }

  state(): Promise<OwnerState> {
    const id = this.#history.newId()
    this.#send({ do: 'state', id })
    return new Promise((resolve) => this.#states.set(id, resolve))
  }

  #send(command: OwnerCommand): void {
    this.#child?.send(command, () => {})
  }

  #report(report: OwnerReport, session: number): void {
    const history = this.#history
    const by = `owner ${session}`
    switch (report.type) {
      case 'up':
        history.record({ type: 'owner-up', session })
        history.seen(by, report.values)
        if (session !== this.session || this.#child === undefined) return
        this.isUp = true
        this.#opened.resolve()
        return
      case 'not open':
        history.record({ type: 'note', by, text: `not open: ${report.code}` })
        if (report.code === 'ERR_PERSIST_BAD_PAYLOAD') void this.#onBadPool()
        return
      case 'saved':
        history.record({ type: 'ok', id: report.id })
        this.confirmed += 1
        this.#saves.get(report.id)?.(true)
        this.#saves.delete(report.id)
        return
      case 'not saved':
        history.record({ type: 'failed', id: report.id, code: report.code })
        this.#saves.get(report.id)?.(false)
        this.#saves.delete(report.id)
        return
      case 'change':
        if (report.value !== null) history.seen(by, { [report.name]: report.value })
        return
      case 'event':
        history.record({ type: 'note', by, text: report.text })
        return
      default:
        this.#states.get(report.id)?.(report)
        this.#states.delete(report.id)
    }
  }
}
