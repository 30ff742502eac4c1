import type { StoreEvents } from '../../src/store/events.ts'
import type { LooseStore } from '../../src/store/members.ts'
import type { StoreOptions } from '../../src/store/options.ts'
import { HeldBackend } from './held-backend.ts'

/** What a store has told so far, by the name of the event. */
export type Told = { readonly [Name in Exclude<keyof StoreEvents, 'change'>]: StoreEvents[Name][] }

export interface OpenedStore {
  readonly backend: HeldBackend
  readonly pt: LooseStore
  readonly told: Told
  /** The pool that the backend holds. */
  shown(): unknown
}

/** @param auto false: writes wait until the test lets them land */
export type OpenedOptions = StoreOptions & { auto?: boolean }

/** A store on a backend, or on one that holds this text. */
export async function opened(
  held: HeldBackend | string | null = null,
  given: OpenedOptions = {},
): Promise<OpenedStore> {
  const { auto = true, ...options } = given
  const backend = held instanceof HeldBackend ? held : new HeldBackend(held, { auto })
  const pt = await backend.openers.openStore({ name: 'garage', saveOnExit: false, ...options })
  const told = {
    save: heard(pt, 'save'),
    conflict: heard(pt, 'conflict'),
    heal: heard(pt, 'heal'),
    stale: heard(pt, 'stale'),
    status: heard(pt, 'status'),
    error: heard(pt, 'error'),
  }
  return { backend, pt, told, shown: () => JSON.parse(backend.text ?? '') }
}

/** What a store tells by this event from now on. */
export function heard<Name extends keyof StoreEvents>(pt: Pick<LooseStore, '$on'>, name: Name): StoreEvents[Name][] {
  const events: StoreEvents[Name][] = []
  pt.$on(name, (event) => events.push(event))
  return events
}

export async function saved(pt: LooseStore, x: number): Promise<void> {
  pt.x = x
  await pt.save()
}

/** Waits for all writes that have become necessary. */
export async function settled(pt: Pick<LooseStore, 'save'>): Promise<void> {
  await pt.save()
  await pt.save()
}
