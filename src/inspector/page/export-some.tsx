import { type Signal, signal } from '@preact/signals'
import type { JSX } from 'preact'
import { backupAddress } from './requests.ts'
import { poolNames } from './state.ts'
import { texts } from './texts.ts'

const chosen: Signal<ReadonlySet<string>> = signal<ReadonlySet<string>>(new Set())
const filter = signal('')

/** How many pools are listed; a search finds the others. */
const MOST = 100
/** The longest address, in characters: Node.js limits request line and headers to 16 KB. */
const MOST_ADDRESS = 12_000

/** A backup of some pools. */
export function ExportSome(): JSX.Element {
  const wanted = filter.value.trim().toLowerCase()
  const names = poolNames.value.filter((name) => name.toLowerCase().includes(wanted))
  const there = poolNames.value.filter((name) => chosen.value.has(name))
  const address = backupAddress(there)
  const isTooLong = address.length > MOST_ADDRESS
  return (
    <details class="export-some">
      <summary>{texts.exportSome}</summary>
      <label class="field">
        <span>{texts.exportFilter}</span>
        <input
          type="search"
          value={filter.value}
          spellcheck={false}
          autocomplete="off"
          onInput={({ currentTarget }) => {
            filter.value = currentTarget.value
          }}
        />
      </label>
      <ul class="export-names" aria-label={texts.pools}>
        {names.slice(0, MOST).map((name) => (
          <li key={name}>
            <label class="check-line">
              <input
                type="checkbox"
                checked={chosen.value.has(name)}
                onChange={() => {
                  const next = new Set(chosen.value)
                  if (!next.delete(name)) next.add(name)
                  chosen.value = next
                }}
              />
              {name}
            </label>
          </li>
        ))}
      </ul>
      {names.length > MOST && <p class="muted">{texts.exportMore(names.length - MOST)}</p>}
      {isTooLong && <p class="failed-text">{texts.exportTooMany}</p>}
      {there.length > 0 && !isTooLong && (
        <a class="button" href={address} download>
          {texts.exportChosen(there.length)}
        </a>
      )}
    </details>
  )
}
