/** The result of one check. */
export interface Check {
  readonly name: string
  /** 'ok': the guarantee holds. 'warning': worth knowing. 'failed': the guarantee does not hold. */
  readonly result: 'ok' | 'warning' | 'failed'
  /** What was seen, as a sentence without its full stop. */
  readonly seen: string
  /** What to change, unless all is well. */
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
