import type { JSX } from 'preact'
import { seriesOf } from './samples.ts'

const WIDTH = 64
const HEIGHT = 20
/** How many of the latest values are drawn. */
const MOST = 60

/** The latest values of a number as a small line without axes; the row beside it has the value. */
export function Sparkline({ pool, path }: { readonly pool: string; readonly path: string }): JSX.Element {
  const values = seriesOf(pool, path)?.values.slice(-MOST) ?? []
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" focusable="false">
      {values.length > 1 && <polyline points={pointsOf(values)} />}
    </svg>
  )
}

function pointsOf(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const height = HEIGHT - 4
  const y = (value: number) => (most === least ? HEIGHT / 2 : 2 + height * (1 - (value - least) / (most - least)))
  const step = (WIDTH - 2) / (values.length - 1)
  return values.map((value, index) => `${(1 + index * step).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
}
