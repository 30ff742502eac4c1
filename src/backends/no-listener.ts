import type { BackendListener } from '../contracts/backend.ts'

/** For a backend without a store: what is written with it is written whatever others say. */
export const NO_LISTENER: BackendListener = { tell() {}, requested: async () => new Uint8Array() }
