import 'uplot/dist/uPlot.min.css'
import UPlot, { type AlignedData, type Options } from 'uplot'
import type { Series } from './samples.ts'

export interface Chart {
  draw(series: readonly Series[]): void
  end(): void
}

const HEIGHT = 360
const LEAST_WIDTH = 280

/** Draws numbers over time into an element, as wide as that is; uPlot does the work. */
export function makeChart(place: HTMLElement): Chart {
  let plot: UPlot | undefined
  let names = ''
  const width = () => Math.max(LEAST_WIDTH, place.clientWidth)
  const resized = new ResizeObserver(() => plot?.setSize({ width: width(), height: HEIGHT }))
  resized.observe(place)
  const scheme = matchMedia('(prefers-color-scheme: dark)')
  const forget = () => {
    names = ''
  }
  scheme.addEventListener('change', forget)
  return {
    draw(series) {
      if (series.length === 0) {
        plot?.destroy()
        plot = undefined
        names = ''
        return
      }
      const now = series.map(({ pool, path }) => `${pool} ${path}`).join('\n') + document.documentElement.dataset.theme
      const data = UPlot.join(series.map(alignedOf)) as AlignedData
      if (now === names) return plot?.setData(data)
      names = now
      plot?.destroy()
      plot = new UPlot(optionsOf(series, place, width()), data, place)
    },
    end() {
      resized.disconnect()
      scheme.removeEventListener('change', forget)
      plot?.destroy()
    },
  }
}

/** Times in seconds, as uPlot has them. A value holds until the next one. */
function alignedOf({ times, values }: Series): AlignedData {
  return [
    [...times.map((time) => time / 1000), Date.now() / 1000],
    [...values, values.at(-1) ?? null],
  ] as AlignedData
}

function optionsOf(series: readonly Series[], place: HTMLElement, width: number): Options {
  const colour = (name: string) => resolved(place, `var(${name})`)
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  }
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    axes: [axis, { ...axis, size: 64 }],
    series: [
      {},
      ...series.map(({ pool, path }, index) => ({
        label: `${pool} ${path}`,
        stroke: colour(`--series-${index % 8}`),
        width: 2,
        paths: UPlot.paths.stepped?.({ align: 1 }) ?? null,
        points: { show: false },
        spanGaps: true,
      })),
    ],
  } as Options
}

/** A canvas knows no variables and no light-dark(). */
function resolved(place: HTMLElement, colour: string): string {
  const probe = place.ownerDocument.createElement('span')
  probe.style.color = colour
  place.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
