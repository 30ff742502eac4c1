export type { Backend, BackendListener, Held } from '../backend.ts'
export { PersistError } from '../errors.ts'
export { backendConformance, type ConformanceOptions, type ConformancePlace } from './backend-conformance.ts'
