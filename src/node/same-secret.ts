import { createHash, timingSafeEqual } from 'node:crypto'

/** Are these the same? In constant time, so that the time taken shows nothing of the secret. */
export function sameSecret(given: string | Uint8Array, secret: string): boolean {
  const [one, other] = [given, secret].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(one as Buffer, other as Buffer)
}
