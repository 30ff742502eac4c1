import type { Stamp } from '../../contracts/backend.ts'
import type { Properties } from '../../mqtt/connection.ts'

/** The longest name of a writer, in characters; stores use 16. */
const WRITER_LIMIT = 32
const REVISION_LIMIT = 15
const BASE_LIMIT = WRITER_LIMIT + 1 + REVISION_LIMIT

/** At most so many bytes of a PUBLISH are a stamp's: 2 for its length, and 1 + 2 + 2 for each property beside its texts. */
export const STAMP_BYTES: number =
  2 + 3 * 5 + 'writer'.length + 'revision'.length + 'base'.length + WRITER_LIMIT + REVISION_LIMIT + BASE_LIMIT

/** A stamp as user properties (MQTT 5, 3.3.2.3.7), which brokers keep with a retained message. */
export function propertiesOf({ writer, revision, base }: Stamp): Properties {
  return { userProperties: { writer, revision: String(revision), ...(base !== undefined && { base }) } }
}

/** The stamp of a message; undefined where it has none, as on MQTT 3.1.1, or something that no store has written. */
export function stampOf(properties: Properties | undefined): Stamp | undefined {
  const { writer, revision, base } = properties?.userProperties ?? {}
  if (!isText(writer, WRITER_LIMIT) || !isText(revision, REVISION_LIMIT) || !/^\d+$/.test(revision)) return undefined
  return { writer, revision: Number(revision), ...(isText(base, BASE_LIMIT) && { base }) }
}

/** A user property that is there more than once comes as a list; bytes are counted above, so only ASCII will do. */
function isText(property: string | readonly string[] | undefined, limit: number): property is string {
  return typeof property === 'string' && property.length <= limit && /^[!-~]+$/.test(property)
}
