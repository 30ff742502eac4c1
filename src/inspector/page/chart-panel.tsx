import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Chart } from './chart.ts'
import { followNumbers, pinned, pinnedPools, pinnedSeries, samplesVersion, togglePin } from './samples.ts'
import { texts } from './texts.ts'

/** All numbers that were pinned, in one chart. */
export function ChartPanel(): JSX.Element {
  samplesVersion.value
  const series = pinnedSeries()
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<Chart | undefined>(undefined)
  const keys = pinned.value.join(' ')
  useEffect(() => {
    for (const pool of pinnedPools()) void followNumbers(pool)
  }, [keys])
  useEffect(() => {
    let isGone = false
    // Its code is larger than the whole page's: it comes when it is needed.
    void import('./chart.ts').then(({ makeChart }) => {
      if (isGone || place.current === null) return
      chart.current = makeChart(place.current)
      chart.current.draw(pinnedSeries())
    })
    return () => {
      isGone = true
      chart.current?.end()
    }
  }, [])
  chart.current?.draw(series)
  return (
    <article class="view" aria-labelledby="charts-title">
      <header class="view-head">
        <h1 id="charts-title">{texts.charts}</h1>
      </header>
      {series.length === 0 && (
        <div class="empty">
          <p>
            <strong>{texts.chartsEmpty}</strong>
          </p>
          <p>{texts.chartsEmptyMore}</p>
        </div>
      )}
      <div ref={place} class="chart" />
      <ul class="legend" aria-label={texts.latest}>
        {series.map(({ pool, path, values }, index) => (
          <li key={`${pool} ${path}`} class={`series-${index % 8}`}>
            <span class="legend-mark" aria-hidden="true" />
            <a href={`#/pool/${encodeURIComponent(pool)}`}>
              {pool} · {path}
            </a>
            <span class="legend-value">{values.at(-1)}</span>
            <button type="button" class="quiet" aria-label={texts.unpin(path)} onClick={() => togglePin(pool, path)}>
              ×
            </button>
          </li>
        ))}
      </ul>
    </article>
  )
}
