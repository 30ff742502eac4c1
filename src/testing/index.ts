export type { Backend, BackendListener, Held, News } from '../contracts/backend.ts'
export { PersistError } from '../runtime/errors.ts'
export { backendConformance } from './backend-conformance.ts'
export type { ConformanceOptions, ConformancePlace } from './conformance-options.ts'
