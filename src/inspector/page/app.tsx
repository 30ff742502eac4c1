import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { ChartPanel } from './chart-panel.tsx'
import { Dialogs } from './dialog.tsx'
import { DoctorPanel } from './doctor-panel.tsx'
import { redo, undo } from './edits.tsx'
import { PoolList } from './pool-list.tsx'
import { PoolView } from './pool-view.tsx'
import { route } from './route.ts'
import { incomplete, isReadOnly, link } from './state.ts'
import { texts } from './texts.ts'
import { Toasts } from './toasts.tsx'
import { TopBar } from './top-bar.tsx'
import { chooseBackup, TransferPanel } from './transfer-panel.tsx'

const isDragging = signal(false)

/** The whole page. */
export function App(): JSX.Element {
  useKeys()
  useDrop()
  const { page } = route.value
  useTitle()
  useFocus()
  return (
    <>
      <TopBar />
      <Banner />
      <div class={`layout showing-${page}`}>
        <PoolList />
        <main id="main" tabIndex={-1}>
          <Page />
        </main>
      </div>
      <Toasts />
      <Dialogs />
      {isDragging.value && <div class="drop">{texts.importDrop}</div>}
    </>
  )
}

function Page(): JSX.Element {
  const { value } = route
  switch (value.page) {
    case 'pool':
      return <PoolView key={value.name} name={value.name} tab={value.tab} />
    case 'charts':
      return <ChartPanel />
    case 'doctor':
      return <DoctorPanel />
    case 'transfer':
      return <TransferPanel />
    case 'pools':
      return (
        <div class="empty choose">
          <h1 class="hidden">{texts.title}</h1>
          <p>{texts.choose}</p>
        </div>
      )
  }
}

/** A banner for what concerns all pools: no link, or pools that may be missing. */
function Banner(): JSX.Element | null {
  const { value } = link
  if (value.state === 'offline') return <Warning text={texts.link.offline(value.message)} />
  if (value.state === 'reconnecting') return <Warning text={texts.link.reconnecting} />
  if (value.state === 'unauthorized') return <Warning text={texts.link.unauthorized} />
  return incomplete.value === undefined ? null : <Warning text={incomplete.value} />
}

function Warning({ text }: { readonly text: string }): JSX.Element {
  return (
    <p class="banner" role="alert">
      {text}
    </p>
  )
}

/** Sets the title of the page to the open pool: for the tab, the history and screen readers. */
function useTitle(): void {
  const { value } = route
  const title = value.page === 'pool' ? texts.titleOf(value.name) : texts.title
  useEffect(() => {
    document.title = title
  }, [title])
}

/** On a narrow page, list and pool take turns: moves the focus along. */
function useFocus(): void {
  const { page } = route.value
  const before = useRef(page)
  useEffect(() => {
    const isSame = before.current === page
    before.current = page
    const { activeElement } = document
    if (isSame || (activeElement !== document.body && activeElement?.checkVisibility())) return
    document.getElementById(page === 'pools' ? 'pools' : 'main')?.focus({ preventScroll: true })
  }, [page])
}

/** Handles the keys for undo and redo, and `/` for the search. */
function useKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches('input, textarea, select')
      if (isTyping || document.querySelector('dialog[open]') !== null) return
      const key = event.key.toLowerCase()
      if (key === '/' && !event.ctrlKey) document.getElementById('search')?.focus()
      else if ((event.ctrlKey || event.metaKey) && key === 'z' && !isReadOnly.peek()) {
        void (event.shiftKey ? redo() : undo())
      } else return
      event.preventDefault()
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [])
}

/** A backup may be dropped anywhere. */
function useDrop(): void {
  useEffect(() => {
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const onDragOver = (event: DragEvent) => {
      if (!hasFile(event)) return
      event.preventDefault()
      isDragging.value = true
    }
    const onDragLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) isDragging.value = false
    }
    const onDrop = (event: DragEvent) => {
      isDragging.value = false
      if (!hasFile(event)) return
      event.preventDefault()
      const file = event.dataTransfer?.files[0]
      if (file !== undefined) void chooseBackup(file)
    }
    addEventListener('dragover', onDragOver)
    addEventListener('dragleave', onDragLeave)
    addEventListener('drop', onDrop)
    return () => {
      removeEventListener('dragover', onDragOver)
      removeEventListener('dragleave', onDragLeave)
      removeEventListener('drop', onDrop)
    }
  }, [])
}
