/** Is this Node, and no browser? Bundlers may define `process` there, but without a version of Node. */
export function isNode(): boolean {
  return globalThis.process?.versions?.node !== undefined
}
