import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Chart } from './chart.ts'
import { addressOf } from './route.ts'
import {
  followNumbers,
  type PinnedNumber,
  pinned,
  pinnedNumbers,
  pinnedSeries,
  type Series,
  samplesVersion,
  togglePin,
} from './samples.ts'
import { now } from './state.ts'
import { texts } from './texts.ts'
import { theme } from './theme.ts'

/** The pinned numbers in one chart. */
export function ChartPanel(): JSX.Element {
  samplesVersion.value
  theme.value
  // The chart moves on also while no number changes.
  now.value
  const numbers = pinnedNumbers()
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<Chart | undefined>(undefined)
  const isSplit = useSignal(false)
  const time = useSignal<number | undefined>(undefined)
  const failure = useSignal('')
  useEffect(() => {
    for (const { pool } of pinnedNumbers()) void followNumbers(pool)
  }, [pinned.value])
  useEffect(() => {
    let isGone = false
    // Loaded only when needed: its code is larger than the rest of the page.
    import('./chart.ts').then(
      ({ makeChart }) => {
        if (isGone || place.current === null) return
        chart.current = makeChart(place.current, (pointed) => {
          time.value = pointed
        })
        chart.current.draw(pinnedSeries(), isSplit.peek())
      },
      () => {
        failure.value = texts.unreachable
      },
    )
    return () => {
      isGone = true
      chart.current?.end()
    }
  }, [])
  useEffect(() => chart.current?.draw(pinnedSeries(), isSplit.value))
  return (
    <article class="view" aria-labelledby="charts-title">
      <header class="view-head">
        <h1 id="charts-title" class="view-title">
          {texts.charts}
        </h1>
        {numbers.length > 1 && (
          <label class="check-line">
            <input
              type="checkbox"
              checked={isSplit.value}
              onChange={({ currentTarget }) => {
                isSplit.value = currentTarget.checked
              }}
            />
            {texts.chartSplit}
          </label>
        )}
      </header>
      {failure.value !== '' && <p role="alert">{failure.value}</p>}
      {numbers.length === 0 && (
        <div class="empty">
          <p>
            <strong>{texts.chartsEmpty}</strong>
          </p>
          <p>{texts.chartsEmptyMore}</p>
        </div>
      )}
      <div ref={place} class="chart" {...(numbers.length > 0 && { role: 'img', 'aria-label': texts.chartOf })} />
      {numbers.length > 0 && (
        <p class="legend-time muted">{time.value === undefined ? texts.latest : texts.chartAt(time.value)}</p>
      )}
      <ul class="legend" aria-label={texts.latest}>
        {numbers.map((number) => (
          <Line key={`${number.pool} ${number.path}`} {...number} time={time.value} />
        ))}
      </ul>
    </article>
  )
}

function Line({ pool, path, series, place, time }: PinnedNumber & { readonly time: number | undefined }): JSX.Element {
  return (
    <li class={place === undefined ? '' : `series-${place % 8}`}>
      <span class="legend-mark" aria-hidden="true" />
      <a href={addressOf({ page: 'pool', name: pool, tab: 'variables' })}>
        {pool} · {path}
      </a>
      <span class="legend-value">{series === undefined ? texts.chartNothing : valueAt(series, time)}</span>
      <button type="button" class="quiet" aria-label={texts.unpin(path)} onClick={() => togglePin(pool, path)}>
        ×
      </button>
    </li>
  )
}

/** A value holds until the next one. */
function valueAt({ times, values }: Series, time: number | undefined): number | string {
  const index = time === undefined ? values.length - 1 : times.findLastIndex((one) => one <= time)
  return values[index] ?? '–'
}
