import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

interface WindowedProps {
  readonly count: number
  /** The height of each row, in pixels. */
  readonly rowHeight: number
  /** The row that has the keyboard; undefined: none yet. */
  readonly active?: number | undefined
  /** Identifies that row: a change scrolls it into view, while a mere move does not. */
  readonly activeKey?: string | undefined
  readonly row: (index: number) => JSX.Element
  /** Attributes of the scrolling element: role, label, keys. */
  readonly attributes: JSX.IntrinsicElements['div']
}

/** Rows beyond the edges, so that fast scrolling shows no gap. */
const MORE = 8

/** A long list, of which only the visible rows are elements. */
export function Windowed({ count, rowHeight, active, activeKey, row, attributes }: WindowedProps): JSX.Element {
  const element = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 800 })
  useEffect(() => {
    const scroller = element.current
    if (scroller === null) return undefined
    const look = () => setView({ top: scroller.scrollTop, height: scroller.clientHeight })
    const resized = new ResizeObserver(look)
    resized.observe(scroller)
    scroller.addEventListener('scroll', look, { passive: true })
    return () => {
      resized.disconnect()
      scroller.removeEventListener('scroll', look)
    }
  }, [])
  useEffect(() => {
    const scroller = element.current
    if (scroller === null || active === undefined || activeKey === undefined) return
    const top = active * rowHeight
    if (top < scroller.scrollTop) scroller.scrollTop = top
    else if (top + rowHeight > scroller.scrollTop + scroller.clientHeight)
      scroller.scrollTop = top + rowHeight - scroller.clientHeight
    // By identity, not by index: sorting the list anew does not scroll it.
  }, [activeKey, rowHeight])
  const first = Math.max(0, Math.floor(view.top / rowHeight) - MORE)
  const last = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + MORE)
  const rows: JSX.Element[] = []
  for (let index = first; index < last; index++) rows.push(row(index))
  // The row must be in the page, or its id refers to nothing.
  const isThere = active !== undefined && active >= first && active < last
  return (
    <div
      ref={element}
      {...attributes}
      {...(isThere && { 'aria-activedescendant': rowId(attributes.id, active) })}
      class={`windowed ${attributes.class ?? ''}`}
    >
      <div class="windowed-all" role="presentation" style={{ height: `${count * rowHeight}px` }}>
        <div class="windowed-seen" role="presentation" style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {rows}
        </div>
      </div>
    </div>
  )
}

/** An id without spaces, which names of pools may have, and `aria-activedescendant` may not. */
export function rowId(list: unknown, index: number): string {
  return `${list}-${index}`
}

/** The index to which a key moves in a list; undefined: it is another key. */
export function moved(key: string, active: number, count: number, page = 10): number | undefined {
  const steps: { readonly [key: string]: number } = {
    ArrowDown: active + 1,
    ArrowUp: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: count - 1,
  }
  const step = Object.hasOwn(steps, key) ? steps[key] : undefined
  return step === undefined ? undefined : Math.max(0, Math.min(count - 1, step))
}
