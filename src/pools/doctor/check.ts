/** What was found out about one guarantee. */
export interface Check {
  readonly name: string
  /** 'ok': it holds. 'warning': worth knowing. 'failed': it does not hold. */
  readonly result: 'ok' | 'warning' | 'failed'
  /** What was seen, as a sentence without its full stop. */
  readonly seen: string
  /** What to change, where something is to be. */
  readonly advice?: string
}

export function ok(name: string, seen: string): Check {
  return { name, result: 'ok', seen }
}

export function warning(name: string, seen: string, advice: string): Check {
  return { name, result: 'warning', seen, advice }
}

export function failed(name: string, seen: string, advice: string): Check {
  return { name, result: 'failed', seen, advice }
}
