import type { EditRequest } from '../contracts/backend.ts'
import type { EditorLink } from '../contracts/editor-link.ts'
import type { JsonObject } from '../format/json.ts'
import { optionError } from '../runtime/errors.ts'
import { type ResolvedOptions, resolveOptions, type StoreOptions } from '../store/options.ts'
import { DirectEdits } from './direct-edits.ts'
import { type Editor, type EditorHost, editorOf } from './editor.ts'
import { type BackendMaker, startedStore } from './open-store.ts'

/** The options that an editor shares with stores; `resolveOptions()` checks their values. */
const SHARED = [
  'url',
  'username',
  'password',
  'tls',
  'clientId',
  'name',
  'topic',
  'protocolVersion',
  'compat',
  'maxBytes',
  'openTimeoutMs',
  'saveTimeoutMs',
] as const

/** Where the pool is: some of a store's options, and how long the owner may take to answer. */
export interface EditorOptions extends Pick<StoreOptions, (typeof SHARED)[number]> {
  /** How long the editor waits for the owner's answer, in milliseconds. @default 10 000 */
  answerTimeoutMs?: number | undefined
}

const ANSWER_TIMEOUT_MS = 10_000

/** How an entry point reaches pools and their owners. */
export interface EditorMaker {
  readonly makeBackend: BackendMaker
  readonly makeLink: (options: ResolvedOptions) => EditorLink & { open(limitMs: number): Promise<void> }
}

/** Binds `openEditor` to a kind of place. */
export function editorOpenerFor({
  makeBackend,
  makeLink,
}: EditorMaker): <T extends object = JsonObject>(options?: EditorOptions) => Promise<Editor<T>> {
  return async ({ answerTimeoutMs = ANSWER_TIMEOUT_MS, ...given } = {}) => {
    const unknown = Object.keys(given).find((name) => !(SHARED as readonly string[]).includes(name))
    if (unknown !== undefined) throw optionError(unknown, 'an editor has no such option')
    if (!(answerTimeoutMs >= 1 && answerTimeoutMs < 2 ** 31)) {
      throw optionError('answerTimeoutMs', 'it must be a number of milliseconds from 1 to 2147483647')
    }
    const options = resolveOptions(given)
    const link = makeLink(options)
    await link.open(options.openTimeoutMs)
    const edits = new DirectEdits(async () => {
      await link.makeRoom()
      const { core } = await startedStore({ ...given, saveOnExit: false }, makeBackend, true)
      // The answer has the store's failures.
      core.context.events.on('error', () => {})
      return core
    })
    const direct = async (request: EditRequest, isForced: boolean) => {
      const answer = await edits.make(request, async () => {
        if (!isForced) await link.assertApart()
      })
      // An owner that has come meanwhile may have written over it, and has the last word. It adds nothing twice.
      const isFinal = isForced || request.kind === 'increment'
      if (isFinal || !(await link.isOwned(answerTimeoutMs))) return { answer, way: 'direct' as const }
      const again = await link.ask(request, answerTimeoutMs)
      return again === 'nobody' ? { answer, way: 'direct' as const } : { answer: again, way: 'owner' as const }
    }
    const host: EditorHost = { link, answerTimeoutMs, direct, compat: options.compat }
    return editorOf(host) as Editor<never>
  }
}
