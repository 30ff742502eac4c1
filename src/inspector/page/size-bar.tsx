import type { JSX } from 'preact'
import type { PoolSummary } from '../protocol.ts'
import { limitOf } from './state.ts'
import { texts } from './texts.ts'

/** How much of the space that a pool may take it takes. */
export function SizeBar({
  pool,
  isLong = false,
}: {
  readonly pool: PoolSummary
  readonly isLong?: boolean
}): JSX.Element {
  const limit = limitOf(pool)
  const share = pool.bytes / limit
  const level = share > 1 ? 'over' : share > 0.85 ? 'high' : 'low'
  const ofLimit = texts.size(texts.bytes(pool.bytes), texts.bytes(limit))
  return (
    <span class={`size size-${level}`} title={ofLimit}>
      <span class="size-text">{isLong ? ofLimit : texts.bytes(pool.bytes)}</span>
      <span class="size-bar" aria-hidden="true">
        <span class="size-used" style={{ width: `${Math.min(100, Math.max(2, share * 100))}%` }} />
      </span>
    </span>
  )
}
