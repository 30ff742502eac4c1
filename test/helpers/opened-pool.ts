import type { Store } from '../../src/store/members.ts'
import { HeldBackend } from './held-backend.ts'

interface Pool {
  x?: number
  y?: number
}

export interface OpenedPool {
  readonly backend: HeldBackend
  readonly pt: Store<Pool>
  /** The 'heal' events so far. */
  readonly heals: readonly unknown[]
  /** What the backend holds. */
  shown(): unknown
}

/** A store whose backend holds this text, and lets writes land by itself. */
export async function opened(text: string, options: object = {}): Promise<OpenedPool> {
  const backend = new HeldBackend(text)
  const pt = await backend.openers.openStore<Pool>({ name: 'garage', saveOnExit: false, ...options })
  const heals: unknown[] = []
  pt.$on('heal', (heal) => heals.push(heal))
  return { backend, pt, heals, shown: () => JSON.parse(backend.text ?? '') }
}

export async function saved(pt: { save(): Promise<void> } & Pool, x: number): Promise<void> {
  pt.x = x
  await pt.save()
}

/** Waits for all writes that have become necessary. */
export async function settled(pt: { save(): Promise<void> }): Promise<void> {
  await pt.save()
  await pt.save()
}
