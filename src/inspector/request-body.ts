import { RequestError } from './failure.ts'

/**
 * The body of a request as a text.
 *
 * @throws {RequestError} 413: it is longer; the rest is not read
 */
export async function bodyText(request: Request, limitBytes: number): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of request.body ?? []) {
    bytes += part.length
    if (bytes > limitBytes) throw new RequestError(413, 'BAD_REQUEST', `That is more than ${limitBytes} bytes.`)
    parts.push(part)
  }
  return new TextDecoder().decode(Buffer.concat(parts))
}
