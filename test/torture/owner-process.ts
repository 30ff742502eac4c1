// The owner, in a process of its own, to be killed: it does what it is told over IPC, and tells what happens to it.
import process from 'node:process'
import { type LooseStore, openStore, PersistError, type StoreOptions } from '../../src/index.ts'
import type { PoolValues } from './history.ts'
import type { Writes } from './schedule.ts'

export type OwnerCommand =
  | { do: 'open'; options: StoreOptions }
  | { do: 'set'; id: number; values: Writes; save: boolean }
  | { do: 'state'; id: number }

export type OwnerReport =
  | { type: 'up'; values: PoolValues }
  /** The pool cannot be opened; it is tried again. */
  | { type: 'not open'; code: string }
  | { type: 'saved'; id: number }
  | { type: 'not saved'; id: number; code: string }
  | { type: 'change'; name: string; value: unknown }
  | { type: 'event'; text: string }
  | { type: 'state'; id: number; text: string; isQuiet: boolean }

const PAUSE_MS = 200

let pt: LooseStore | undefined

function report(what: OwnerReport): void {
  process.send?.(what)
}

function codeOf(thrown: unknown): string {
  return thrown instanceof PersistError ? thrown.code : String(thrown)
}

async function open(options: StoreOptions): Promise<void> {
  for (;;) {
    try {
      const store = await openStore(options)
      pt = store
      store.$on('change', ({ name, value }) => report({ type: 'change', name, value: value ?? null }))
      store.$on('error', ({ code, message }) => report({ type: 'event', text: `error ${code} ${message}` }))
      store.$on('heal', ({ reason }) => report({ type: 'event', text: `heal ${reason}` }))
      store.$on('conflict', ({ name }) => report({ type: 'event', text: `conflict ${name}` }))
      store.$on('status', ({ state }) => report({ type: 'event', text: `status ${state}` }))
      report({ type: 'up', values: { ...store } })
      return
    } catch (error) {
      report({ type: 'not open', code: codeOf(error) })
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}

function set(store: LooseStore, { id, values, save }: OwnerCommand & { do: 'set' }): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === null) store.remove(name)
    else store[name] = value
  }
  if (!save) return
  store.save().then(
    () => report({ type: 'saved', id }),
    (error) => report({ type: 'not saved', id, code: codeOf(error) }),
  )
}

process.on('message', (command: OwnerCommand) => {
  if (command.do === 'open') void open(command.options)
  else if (pt === undefined) return
  else if (command.do === 'set') set(pt, command)
  else {
    const { $status } = pt
    const isQuiet = $status.state === 'ready' && !$status.unsaved
    report({ type: 'state', id: command.id, text: JSON.stringify(pt), isQuiet })
  }
})
process.on('disconnect', () => process.exit())
