import 'uplot/dist/uPlot.min.css'
import UPlot, { type AlignedData, type Options } from 'uplot'
import { type Series, serverNow } from './samples.ts'

export interface Chart {
  /** @param isSplit each number has a scale of its own */
  draw(series: readonly Series[], isSplit: boolean): void
  end(): void
}

const HEIGHT = 360
const LEAST_WIDTH = 280
/** Width of a digit on an axis, and of the space around the longest number, in pixels. */
const FIGURE_WIDTH = 7.5
const AXIS_MARGIN = 22
const DAY_SECONDS = 86_400

/**
 * Draws numbers over time into an element, as wide as that is; uPlot does the work.
 *
 * @param onTime called with the time under the pointer, in milliseconds since 1970; undefined: none
 */
export function makeChart(place: HTMLElement, onTime: (time: number | undefined) => void): Chart {
  let plot: UPlot | undefined
  let drawn = ''
  const width = () => Math.max(LEAST_WIDTH, place.clientWidth)
  const resized = new ResizeObserver(() => plot?.setSize({ width: width(), height: HEIGHT }))
  resized.observe(place)
  return {
    draw(series, isSplit) {
      const names = series.map(({ pool, path }) => `${pool} ${path}`)
      const look = JSON.stringify([names, isSplit, resolved(place, 'var(--series-0)')])
      // uPlot needs at least one series.
      const data: AlignedData = series.length === 0 ? [[]] : UPlot.join(series.map(alignedOf))
      if (look === drawn) return plot?.setData(data)
      drawn = look
      plot?.destroy()
      plot =
        series.length === 0 ? undefined : new UPlot(optionsOf(series, isSplit, place, width(), onTime), data, place)
    },
    end() {
      resized.disconnect()
      plot?.destroy()
    },
  }
}

/** Times in seconds, as uPlot has them. A value holds until the next one. */
function alignedOf({ times, values }: Series): AlignedData {
  const end = Math.max(serverNow(), times.at(-1) ?? 0)
  return [
    [...times.map((time) => time / 1000), end / 1000],
    [...values, values.at(-1) ?? null],
  ] as AlignedData
}

function optionsOf(
  series: readonly Series[],
  isSplit: boolean,
  place: HTMLElement,
  width: number,
  onTime: (time: number | undefined) => void,
): Options {
  const colour = (name: string) => resolved(place, `var(${name})`)
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  }
  const scaleOf = (index: number) => (isSplit ? `y${index}` : 'y')
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    axes: [
      { ...axis, space: 80, values: (_plot, times, _axis, _space, step) => times.map((time) => timeText(time, step)) },
      // With a scale for each number, one axis would be wrong for the others.
      { ...axis, scale: scaleOf(0), show: !isSplit, size: (_plot, texts) => axisWidth(texts) },
    ],
    series: [
      {},
      ...series.map(({ pool, path }, index) => ({
        label: `${pool} ${path}`,
        scale: scaleOf(index),
        stroke: colour(`--series-${index % 8}`),
        width: 2,
        paths: UPlot.paths.stepped?.({ align: 1 }) ?? null,
        points: { show: false },
        spanGaps: true,
      })),
    ],
    hooks: {
      setCursor: [
        ({ cursor: { idx }, data: [times] }) => onTime(idx == null ? undefined : (times[idx] ?? Number.NaN) * 1000),
      ],
    },
  } as Options
}

/** In 24 hours, as everywhere on the page. */
function timeText(seconds: number, step: number): string {
  const time = new Date(seconds * 1000)
  if (step >= DAY_SECONDS) return time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
  return time.toLocaleTimeString('en-GB', step < 60 ? {} : { hour: '2-digit', minute: '2-digit' })
}

/** Wide enough for the longest number: without its first digits it would be another number. */
function axisWidth(texts: readonly string[] | null): number {
  return AXIS_MARGIN + FIGURE_WIDTH * Math.max(3, ...(texts ?? []).map((text) => text.length))
}

/** The colour of a CSS value: a canvas does not resolve variables and light-dark(). */
function resolved(place: HTMLElement, colour: string): string {
  const probe = place.ownerDocument.createElement('span')
  probe.style.color = colour
  place.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
