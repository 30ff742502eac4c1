import { RESERVED_NAMES } from '../../index.ts'

/** Names that variables cannot have. Later members of stores will begin with $, so keys keep their names. */
const reserved = new Set(RESERVED_NAMES)

/** The variable for a key: any text can be a key, but not the name of a variable. */
export function nameOf(key: string): string {
  return /^[$~]/.test(key) || reserved.has(key) ? `~${key}` : key
}

/** The key of a variable; undefined: it has none, such as `$version`. */
export function keyOf(name: string): string | undefined {
  const key = name.startsWith('~') ? name.slice(1) : name
  return nameOf(key) === name ? key : undefined
}
