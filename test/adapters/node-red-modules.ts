import { createRequire } from 'node:module'
import type { NodeRedContextStore } from '../../src/adapters/node-red.ts'

type Callback = (error?: unknown, ...results: unknown[]) => void

/** A context as a function node has it; the last argument may be a callback, and the one before it a store's name. */
export interface Context {
  // biome-ignore lint/suspicious/noExplicitAny: as in a function node
  get(key: string | string[], store?: string, callback?: Callback): any
  set(key: string | string[], value: unknown, store?: string, callback?: Callback): void
  keys(store?: string, callback?: Callback): string[]
}

/** All contexts of Node-RED, above whatever stores are configured; they are one for each process. */
export interface Contexts {
  init(settings: object): void
  load(): Promise<unknown>
  get(nodeId: string, flowId?: string): Context & { readonly flow: Context; readonly global: Context }
  getFlowContext(flowId: string): Context
  delete(id: string, flowId?: string): Promise<unknown>
  clean(flows: { allNodes: Record<string, object> }): Promise<unknown>
  close(): Promise<unknown>
}

// What Node-RED is made of are packages of their own, found from where it is.
const requireAsNodeRed = createRequire(createRequire(import.meta.url).resolve('node-red'))

export const contexts: Contexts = requireAsNodeRed('@node-red/runtime/lib/nodes/context')

/** Node-RED's own store in files, with its contents in memory. */
export interface FileStore extends NodeRedContextStore {
  readonly cache: { readonly data: object }
}

type FileStoreMaker = (config: { dir: string; settings: object }) => FileStore

const FILE_STORE = 'lib/nodes/context/localfilesystem'

/** Node-RED's own store in files by version; $NODE_RED is a folder with another one, for what cannot run on each Node. */
export const fileStores: [version: string, FileStoreMaker][] = [
  ['3.1', createRequire(import.meta.url)(`node-red-runtime-3/${FILE_STORE}`)],
  ['4.1', requireAsNodeRed(`@node-red/runtime/${FILE_STORE}`)],
]
const other = process.env.NODE_RED
if (other) fileStores.push([other, createRequire(`${other}/package.json`)(`@node-red/runtime/${FILE_STORE}`)])

interface Util {
  normalisePropertyExpression(expression: string): unknown[]
}

/** Node-RED's own functions for property expressions. */
export const util: Util = requireAsNodeRed('@node-red/util').util
