export type { Backend, BackendListener, Held } from '../backend.ts'
export { PersistError } from '../errors.ts'
export { backendConformance } from './backend-conformance.ts'
export type { ConformanceOptions, ConformancePlace } from './conformance-options.ts'
