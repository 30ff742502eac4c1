import { type ExactObject, exactVariables } from '../format/exact-json.ts'
import { decodePayload, type Payload, withoutRevision } from '../format/payload.ts'
import type { OwnerKind } from '../pools/owners.ts'
import type { Context } from './command.ts'
import { CliError, EXIT } from './io.ts'
import { printable } from './print.ts'

/** A pool that is there. */
export interface FoundPool {
  readonly payload: Payload
  /** The variables, with the digits that numbers were written with. */
  readonly values: ExactObject
  /** As it was written, without its revision. */
  readonly text: string
  readonly owner: OwnerKind
}

/**
 * Reads a pool.
 *
 * @throws {CliError} EXIT.notFound: the broker holds none of that name
 * @throws {PersistError} ERR_PERSIST_BAD_PAYLOAD: what it holds is no pool
 */
export async function foundPool(context: Context, name: string): Promise<FoundPool> {
  const pools = context.pools()
  const { bytes, owner } = await pools.read(name)
  if (bytes === null) {
    throw new CliError(
      EXIT.notFound,
      `There is no pool ${printable(name)} at ${pools.place}. persist-mqtt ls lists them.`,
    )
  }
  const payload = decodePayload(bytes, `'${printable(name)}'`)
  return {
    payload,
    values: exactVariables(payload.texts),
    text: new TextDecoder().decode(withoutRevision(bytes)),
    owner,
  }
}
