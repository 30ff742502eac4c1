import type { BackendListener } from '../contracts/backend.ts'

/** Told about everything, and does nothing: what is written with it is written whatever others say. */
export const NO_LISTENER: BackendListener = {
  changed() {},
  reread() {},
  requested: async () => new Uint8Array(),
  offline() {},
  online() {},
  trouble() {},
  ended() {},
}
