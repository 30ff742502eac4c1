import type { EditRequest } from './backend.ts'
import { asPersistError, PersistError } from './errors.ts'
import { type JsonObject, put } from './json.ts'
import { type Edits, incrementEdits, patchEdits } from './merge-patch.ts'
import { encodePayload, joinPayload } from './payload.ts'
import { reservedBecause } from './store-members.ts'
import type { Saving } from './store-saving.ts'
import type { PoolToSend } from './store-size.ts'
import type { Watching } from './store-watching.ts'
import type { Variables } from './variables.ts'

/** What doing what editors ask for needs of the store around it. */
export interface EditingHost {
  /** Name and place, for messages. */
  readonly label: string
  readonly variables: Variables
  readonly watching: Watching
  readonly saving: Saving
  assertWritable(): void
  /** Throws what keeps a pool from being sent. */
  check(pool: PoolToSend): void
  trouble(error: PersistError): void
}

/** Does what editors ask the owner of a pool for, in the order in which they ask. */
export class Editing {
  readonly #host: EditingHost

  constructor(host: EditingHost) {
    this.#host = host
  }

  /** Resolves with the answer, as JSON: when all is saved and confirmed, or with why nothing was changed. */
  async requested({ kind, bytes, isAnswered }: EditRequest): Promise<Uint8Array> {
    const { variables, label, trouble, saving } = this.#host
    try {
      this.#host.assertWritable()
      const current = (name: string) => variables.get(name)
      if (kind === 'patch') {
        this.#apply(patchEdits(bytes, current, label))
        await saving.save()
        return answer({ ok: true })
      }
      const edits = incrementEdits(bytes, current, label)
      this.#apply(edits)
      await saving.save()
      return answer({ ok: true, values: Object.fromEntries(edits) })
    } catch (thrown) {
      const error = asPersistError(thrown, label, 'edited')
      // Somebody has to hear of it.
      if (!isAnswered) trouble(error)
      return answer({ ok: false, error: { code: error.code, message: error.message } })
    }
  }

  /** Synchronous: whoever asks next finds what this one has done. */
  #apply(edits: Edits): void {
    const { variables, watching } = this.#host
    for (const [name, value] of edits) if (value !== undefined) assertAllowed(name)
    // Before anything changes: a pool that cannot be saved would keep its owner from ever saving again.
    this.#host.check(edited(edits, variables))
    // Our own changes so far are told before theirs, which have another origin.
    watching.flush()
    variables.edit(edits)
    watching.flush()
  }
}

/** Removing a variable that somebody has called like a member of the store is allowed, making one is not. */
function assertAllowed(name: string): void {
  const reason = reservedBecause(name)
  if (reason === undefined) return
  const text = `No variable can be called ${JSON.stringify(name)}: ${reason}. Nothing was changed.`
  throw new PersistError('ERR_PERSIST_RESERVED_NAME', text, { path: name })
}

/** The pool as it would be. */
function edited(edits: Edits, variables: Variables): PoolToSend {
  const texts = new Map(variables.texts())
  for (const [name, value] of edits) {
    if (value === undefined) texts.delete(name)
    else texts.set(name, JSON.stringify(value))
  }
  const values = () => {
    const pool: JsonObject = { ...variables.snapshot() }
    for (const [name, value] of edits) {
      if (value === undefined) delete pool[name]
      else put(pool, name, value)
    }
    return pool
  }
  return { sizeBytes: encodePayload(joinPayload(texts)).length, texts: () => texts, values }
}

function answer(content: object): Uint8Array {
  return encodePayload(JSON.stringify(content))
}
