import { batch, type Signal, signal } from '@preact/signals'
import type { Done, VariableText } from '../protocol.ts'
import { confirm } from './dialog.tsx'
import { DiffView } from './diff-view.tsx'
import { editPool, RequestFailed } from './requests.ts'
import { pools } from './state.ts'
import { texts } from './texts.ts'
import { tell } from './toasts.tsx'

/** A variable as the user saw it, and as it is to be; null: no variable. */
export type Change = readonly [variable: string, before: string | null, after: string | null]

interface Step {
  readonly pool: string
  readonly changes: readonly Change[]
}

export const undoable: Signal<readonly Step[]> = signal<readonly Step[]>([])
export const redoable: Signal<readonly Step[]> = signal<readonly Step[]>([])

/** How many edits can be undone. */
const MOST = 200

/** Makes a change, shows how that went, and remembers it for undo. */
export async function edit(pool: string, changes: readonly Change[], force = false): Promise<void> {
  const wanted = changes.filter(([, before, after]) => before !== after)
  if (wanted.length === 0) return
  await attempt({ pool, changes: wanted }, force, (done) => {
    undoable.value = [...undoable.value.slice(1 - MOST), done]
    redoable.value = []
  })
}

/** Adds a change that was made in another way to those that can be undone. */
export function remember(pool: string, changes: readonly Change[]): void {
  if (changes.length === 0) return
  undoable.value = [...undoable.value.slice(1 - MOST), { pool, changes }]
  redoable.value = []
}

/** Undoes and redoes one after the other: the next edit is chosen when the one before is done. */
let queue: Promise<void> = Promise.resolve()

export function undo(): Promise<void> {
  queue = queue.then(undoOne)
  return queue
}

export function redo(): Promise<void> {
  queue = queue.then(redoOne)
  return queue
}

async function undoOne(): Promise<void> {
  const step = undoable.value.at(-1)
  if (step === undefined) return tell('warning', texts.nothingToUndo)
  const changes = step.changes.map(([name, before, after]): Change => [name, after, before])
  await attempt({ pool: step.pool, changes }, false, () => move(step, undoable, redoable), texts.undone)
}

async function redoOne(): Promise<void> {
  const step = redoable.value.at(-1)
  if (step === undefined) return
  await attempt(step, false, () => move(step, redoable, undoable), texts.redone)
}

function move(step: Step, from: Signal<readonly Step[]>, to: Signal<readonly Step[]>): void {
  batch(() => {
    from.value = from.value.filter((one) => one !== step)
    to.value = [...to.value, step]
  })
}

async function attempt(
  step: Step,
  force: boolean,
  /** Called with the edit as it was made: after a conflict, undo brings back what others had written. */
  onDone: (done: Step) => void,
  titleOf: (what: string) => string = (what) => what,
  /** Without a check of what is there now: a variable that changes each second could not be written otherwise. */
  isOver = false,
): Promise<void> {
  const { pool, changes } = step
  const title = titleOf(
    texts.edited(
      pool,
      changes.map(([name]) => name),
    ),
  )
  const set = changes.map(([name, , after]): VariableText => [name, after])
  const seen = changes.map(([name, before]): VariableText => [name, before])
  try {
    const done = await editPool(pool, isOver ? { set, force } : { set, seen, force })
    onDone(step)
    tell(kindOf(pool), title, outcome(pool, done))
  } catch (error) {
    const again = (next: Step, isForced = force) => void attempt(next, isForced, onDone, titleOf, isOver)
    if (!(error instanceof RequestFailed)) throw error
    if (error.code === 'CONFLICT') {
      const theirs = new Map(error.current)
      // The same value is there already, by a second click or another user: no question.
      if (changes.every(([name, , after]) => (theirs.get(name) ?? null) === after)) return
      askConflict(step, error.current, (next) => void attempt(next, force, onDone, titleOf, true))
      return
    }
    if (!force && doesNotListen(error)) askForce(() => again(step, true))
    else tell('failed', title, texts.notSaved(error.message))
  }
}

/** A change of a device's pool may be overwritten soon, so it counts as a warning. */
function kindOf(pool: string): 'done' | 'warning' {
  return pools.get(pool)?.owner === 'device' ? 'warning' : 'done'
}

/** How a change went. */
export function outcome(pool: string, { way }: Done): string {
  return pools.get(pool)?.owner === 'device' ? texts.way.device : texts.way[way]
}

export function doesNotListen({ code }: RequestFailed): boolean {
  return code === 'DEVICE' || code === 'ERR_PERSIST_NO_ANSWER'
}

export function askForce(onForce: () => void): void {
  confirm({
    title: texts.device.title,
    text: <p>{texts.device.more}</p>,
    go: texts.device.force,
    onGo: onForce,
  })
}

function askConflict({ pool, changes }: Step, current: readonly VariableText[], again: (step: Step) => void): void {
  const theirs = new Map(current)
  const over = changes.map(([name, , after]): Change => [name, theirs.get(name) ?? null, after])
  confirm({
    title: texts.conflict.title,
    text: (
      <>
        <p>{texts.conflict.more}</p>
        <DiffView changes={over} from={texts.conflict.now} to={texts.conflict.mine} />
      </>
    ),
    go: texts.conflict.overwrite,
    stay: texts.conflict.keep,
    isWide: true,
    onGo: () => again({ pool, changes: over }),
  })
}
