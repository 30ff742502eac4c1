import type { JSX } from 'preact'

const PATHS = {
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 20 20',
  back: 'M14 5 7 12l7 7',
  edit: 'M5 19h3.5L19 8.5 15.5 5 5 15.5zM13.5 7l3.5 3.5',
  rename: 'M4 7h10M9 7v11M16 11h4M16 18h4M18 11v7',
  remove: 'M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13',
  add: 'M12 5v14M5 12h14',
  pin: 'M4 18l5-6 4 3 7-9M20 6v5M20 6h-5',
  open: 'M9 6l6 6-6 6',
  undo: 'M9 6 4.5 10.5 9 15M5 10.5h9a5 5 0 0 1 0 10h-3',
  redo: 'M15 6l4.5 4.5L15 15M19 10.5h-9a5 5 0 0 0 0 10h3',
  more: 'M12 6.5v.01M12 12v.01M12 17.5v.01',
} as const

/** Hidden from screen readers: the text beside it, or the label of its button, says what it means. */
export function Icon({ name }: { readonly name: keyof typeof PATHS }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
