import type { JSX } from 'preact'
import { redo, redoable, undo, undoable } from './edits.tsx'
import { Icon } from './icons.tsx'
import { addressOf, type Route, route } from './route.ts'
import { about, isReadOnly, link } from './state.ts'
import { texts } from './texts.ts'
import { type Theme, theme } from './theme.ts'

/** The bar at the top: the broker, the state of the link, and panels about all pools. */
export function TopBar(): JSX.Element {
  return (
    <header class="top">
      {/* No link: the address says which pool is open, and stays. */}
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        {texts.skip}
      </button>
      <a class="brand" href="#/">
        {texts.brand}
      </a>
      <LinkState />
      <nav aria-label={texts.navigation}>
        <Section page="pools">{texts.pools}</Section>
        <Section page="charts">{texts.charts}</Section>
        <Section page="transfer">{texts.transfer}</Section>
        <Section page="doctor">{texts.doctor}</Section>
      </nav>
      {!isReadOnly.value && (
        <span class="undo">
          <button
            type="button"
            class="quiet"
            aria-label={texts.undo}
            title={`${texts.undo} (Ctrl+Z)`}
            disabled={undoable.value.length === 0}
            onClick={() => void undo()}
          >
            <Icon name="undo" />
          </button>
          <button
            type="button"
            class="quiet"
            aria-label={texts.redo}
            title={`${texts.redo} (Ctrl+Shift+Z)`}
            disabled={redoable.value.length === 0}
            onClick={() => void redo()}
          >
            <Icon name="redo" />
          </button>
        </span>
      )}
      <label class="theme">
        <span class="hidden">{texts.theme.label}</span>
        <select
          value={theme.value}
          onChange={({ currentTarget }) => {
            theme.value = currentTarget.value as Theme
          }}
        >
          <option value="auto">{texts.theme.auto}</option>
          <option value="light">{texts.theme.light}</option>
          <option value="dark">{texts.theme.dark}</option>
        </select>
      </label>
    </header>
  )
}

function Section({
  page,
  children,
}: {
  readonly page: Exclude<Route['page'], 'pool'>
  readonly children: string
}): JSX.Element {
  const { value } = route
  const isCurrent = value.page === page || (page === 'pools' && value.page === 'pool')
  return (
    <a href={addressOf({ page })} aria-current={isCurrent ? 'page' : undefined}>
      {children}
    </a>
  )
}

function LinkState(): JSX.Element {
  const { state } = link.value
  const short = {
    loading: texts.link.loading,
    online: texts.link.online,
    offline: texts.link.offlineShort,
    reconnecting: texts.link.reconnectingShort,
    unauthorized: texts.link.offlineShort,
  }[state]
  return (
    <span class={`link link-${state}`} role="status">
      <span class="link-dot" aria-hidden="true" />
      <span class="link-text">{short}</span>
      <span class="link-broker">{about.value?.broker}</span>
      {isReadOnly.value && <span class="badge">{texts.readOnly}</span>}
    </span>
  )
}
