import { PersistError, reasonOf } from '../runtime/errors.ts'
import type { Failure, VariableText } from './protocol.ts'

/** Why a page does not get what it asked for. */
export class RequestError extends Error {
  readonly status: number
  readonly code: string
  readonly current: readonly VariableText[] | undefined

  constructor(
    status: number,
    code: string,
    message: string,
    { current, cause }: { current?: readonly VariableText[]; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
    this.code = code
    this.current = current
  }
}

/** @param what as in `It is no JSON.` */
export function badRequest(what: string, cause?: unknown): RequestError {
  return new RequestError(400, 'BAD_REQUEST', what, { cause })
}

/** The HTTP status and the body for anything that was thrown. */
export function failureOf(thrown: unknown): { status: number; failure: Failure } {
  const message = reasonOf(thrown)
  if (thrown instanceof RequestError) {
    const { status, code, current } = thrown
    return { status, failure: { error: { code, message, ...(current !== undefined && { current }) } } }
  }
  if (!(thrown instanceof PersistError)) return { status: 500, failure: { error: { code: 'FAILED', message } } }
  return { status: STATUS[thrown.code] ?? 502, failure: { error: { code: thrown.code, message } } }
}

/** HTTP statuses (RFC 9110, 15.5 and 15.6). All other codes are failures of the broker or the owner: 502. */
const STATUS: { readonly [Code in PersistError['code']]?: number } = {
  ERR_PERSIST_BAD_PAYLOAD: 422,
  ERR_PERSIST_NOT_STORABLE: 422,
  ERR_PERSIST_OPTION: 400,
  ERR_PERSIST_RESERVED_NAME: 422,
  ERR_PERSIST_SCHEMA: 422,
  ERR_PERSIST_TOO_LARGE: 413,
  ERR_PERSIST_NO_ANSWER: 409,
  ERR_PERSIST_NEEDS_FORCE: 409,
  ERR_PERSIST_TIMEOUT: 504,
}
