import { type Signal, signal } from '@preact/signals'
import { type ComponentChildren, Fragment, type JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { texts } from './texts.ts'

/** A dialog; it is called with the function that closes it. */
type Content = (close: () => void) => JSX.Element

interface Waiting {
  readonly id: number
  readonly content: Content
}

/** Only the first is shown. Further ones wait, since they would take away what the user is typing. */
const queue: Signal<readonly Waiting[]> = signal<readonly Waiting[]>([])
let count = 0

export function show(content: Content): void {
  queue.value = [...queue.value, { id: ++count, content }]
}

/** Where a dialog appears. */
export function Dialogs(): JSX.Element | null {
  const [first] = queue.value
  if (first === undefined) return null
  const close = () => {
    queue.value = queue.peek().filter(({ id }) => id !== first.id)
  }
  // The next dialog is a new element, which opens by itself.
  return <Fragment key={first.id}>{first.content(close)}</Fragment>
}

interface DialogProps {
  readonly title: string
  readonly close: () => void
  readonly onSubmit?: () => void
  /** Buttons besides the one that cancels. */
  readonly actions?: ComponentChildren
  readonly isWide?: boolean
  /** What the button that cancels says. */
  readonly stay?: string | undefined
  readonly children: ComponentChildren
}

/** A modal dialog: the browser keeps the focus inside, closes it with Escape, and restores the focus. */
export function Dialog({ title, close, onSubmit, actions, isWide = false, stay, children }: DialogProps): JSX.Element {
  const element = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const dialog = element.current
    if (dialog !== null && !dialog.open) dialog.showModal()
    // Closed before it is removed: else the focus would be lost.
    return () => dialog?.close()
  }, [])
  return (
    <dialog ref={element} class={isWide ? 'wide' : ''} aria-labelledby="dialog-title" onClose={close}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          onSubmit?.()
        }}
      >
        <h2 id="dialog-title">{title}</h2>
        <div class="dialog-body">{children}</div>
        <div class="dialog-actions">
          <button type="button" onClick={close}>
            {stay ?? (actions === undefined ? texts.close : texts.cancel)}
          </button>
          {actions}
        </div>
      </form>
    </dialog>
  )
}

interface ConfirmProps {
  readonly title: string
  readonly text: ComponentChildren
  /** What the button says. */
  readonly go: string
  /** What the other one says. */
  readonly stay?: string
  readonly isDanger?: boolean
  readonly isWide?: boolean
  readonly onGo: () => void
}

/** Asks before something is lost. */
export function confirm({ title, text, go, stay, isDanger = true, isWide = false, onGo }: ConfirmProps): void {
  show((close) => (
    <Dialog
      title={title}
      close={close}
      stay={stay}
      isWide={isWide}
      actions={
        <button
          type="button"
          class={isDanger ? 'danger' : 'primary'}
          onClick={() => {
            close()
            onGo()
          }}
        >
          {go}
        </button>
      }
    >
      {text}
    </Dialog>
  ))
}
