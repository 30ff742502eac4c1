import type { JSX } from 'preact'
import type { PoolSummary } from '../protocol.ts'
import { limitOf } from './state.ts'
import { texts } from './texts.ts'

/** The size of a pool, as a part of its limit. */
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
