/** A byte as the standard writes it: `0x0b`. */
export function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}
