import { isIP } from 'node:net'

/** The name in a Host header, in small letters, without port and brackets; undefined: there is none. */
export function hostNameOf(host: string): string | undefined {
  try {
    return new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  } catch {
    return undefined
  }
}

/**
 * May a server be called so in a Host header? Only names can be led to another address (DNS rebinding), so addresses
 * may, `localhost`, and the given names, which are in small letters.
 */
export function isOwnName(name: string | undefined, names: readonly string[]): boolean {
  return name !== undefined && (isIP(name) !== 0 || name === 'localhost' || names.includes(name))
}
