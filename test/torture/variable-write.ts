/** A write of one variable; what it wrote could be seen from some moment between `start` and `end` on. */
export interface VariableWrite {
  readonly name: string
  /** undefined: it removed the variable. */
  readonly value: unknown
  readonly start: number
  /** Infinity where nobody knows whether, or when, it was done. */
  end: number
  /** It was said to be kept. Whatever the raw client writes is not. */
  isPromised: boolean
}
