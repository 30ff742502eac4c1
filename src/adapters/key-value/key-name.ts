import { RESERVED_NAMES } from '../../index.ts'

/**
 * The names that are no keys as they are. What stores learn to do later begins with $, so a key keeps its name.
 */
const reserved = new Set(RESERVED_NAMES)

/** The variable that has a key's value: any text is a key, but not every one is a name. */
export function nameOf(key: string): string {
  return /^[$~]/.test(key) || reserved.has(key) ? `~${key}` : key
}

/** The key of a variable; undefined: it is none, as the pool's version. */
export function keyOf(name: string): string | undefined {
  const key = name.startsWith('~') ? name.slice(1) : name
  return nameOf(key) === name ? key : undefined
}
