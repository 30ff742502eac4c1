import { type Signal, signal } from '@preact/signals'
import type { JSX } from 'preact'
import { texts } from './texts.ts'

interface Toast {
  readonly id: number
  readonly kind: 'done' | 'warning' | 'failed'
  readonly title: string
  readonly text: string
}

/** How long a message stays, in milliseconds; a failure stays until the user closes it. */
const STAYS_MS = 5000

const toasts: Signal<readonly Toast[]> = signal<readonly Toast[]>([])
let count = 0

/** Shows how something went. */
export function tell(kind: Toast['kind'], title: string, text = ''): void {
  const id = ++count
  toasts.value = [...toasts.value.slice(-3), { id, kind, title, text }]
  if (kind !== 'failed') setTimeout(() => close(id), kind === 'warning' ? 2 * STAYS_MS : STAYS_MS)
}

function close(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

/** Always in the page, even empty: screen readers announce additions only to regions that they know. */
export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, kind, title, text }) => (
        <div key={id} class={`toast toast-${kind}`} role={kind === 'failed' ? 'alert' : undefined}>
          <p>
            <strong>{title}</strong> {text}
          </p>
          <button type="button" class="quiet" aria-label={texts.close} onClick={() => close(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  )
}
