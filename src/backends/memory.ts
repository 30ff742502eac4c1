import type { Backend, BackendListener, Held } from '../backend.ts'
import { PersistError } from '../errors.ts'

/** A place in this process's memory that holds one pool; several backends may share it. */
export interface MemoryPlace {
  bytes: Uint8Array | null
  /** The listeners of the backends that are open on it. */
  readonly listeners: Set<BackendListener>
}

/** A new place that holds nothing. */
export function memoryPlace(): MemoryPlace {
  return { bytes: null, listeners: new Set() }
}

/** Keeps a pool in memory, as long as somebody holds the place. */
export function memoryBackend(at: MemoryPlace = memoryPlace()): Backend {
  let own: BackendListener | undefined
  return {
    place: 'memory',
    async open(listener: BackendListener): Promise<Held> {
      own = listener
      at.listeners.add(listener)
      return { bytes: copyOf(at.bytes), proof: 'exact' }
    },
    async write(bytes: Uint8Array): Promise<'written'> {
      if (own === undefined) throw new PersistError('ERR_PERSIST_CLOSED', 'The memory backend is not open.')
      at.bytes = bytes.slice()
      for (const listener of at.listeners) if (listener !== own) listener.changed(copyOf(bytes))
      return 'written'
    },
    async close(): Promise<void> {
      if (own !== undefined) at.listeners.delete(own)
      own = undefined
    },
  }
}

function copyOf(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : bytes.slice()
}
