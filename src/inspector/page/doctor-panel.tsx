import { type Signal, signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Check, Failure } from '../protocol.ts'
import { eachLine } from './requests.ts'
import { isReadOnly } from './state.ts'
import { texts } from './texts.ts'

/** The checks stay while the user visits other panels. */
const checks: Signal<readonly Check[]> = signal<readonly Check[]>([])
const isRunning = signal(false)
const failure = signal('')

const MARKS: { readonly [Result in Check['result']]: string } = { ok: '✓', warning: '!', failed: '✗' }

/** What the broker guarantees, and what to change. */
export function DoctorPanel(): JSX.Element {
  const label = isRunning.value ? texts.doctorRunning : checks.value.length > 0 ? texts.doctorAgain : texts.doctorRun
  return (
    <article class="view" aria-labelledby="doctor-title">
      <header class="view-head">
        <div class="view-title">
          <h1 id="doctor-title">{texts.doctor}</h1>
          <p class="muted">{isReadOnly.value ? texts.doctorReadOnly : texts.doctorText}</p>
        </div>
        {!isReadOnly.value && (
          <button
            type="button"
            class="primary"
            // Not disabled: that would take the focus away.
            aria-disabled={isRunning.value}
            onClick={() => isRunning.value || void run()}
          >
            {label}
          </button>
        )}
      </header>
      {failure.value !== '' && (
        <p class="failed-text" role="alert">
          {failure.value}
        </p>
      )}
      <p class="check-summary" role="status">
        {isRunning.value || checks.value.length === 0 || failure.value !== '' ? '' : summary()}
      </p>
      <ul class="checks" aria-live="polite" aria-busy={isRunning.value}>
        {checks.value.map(({ name, result, seen, advice }) => (
          <li key={name} class={`check check-${result}`}>
            <span class="check-mark" aria-hidden="true">
              {MARKS[result]}
            </span>
            <span class="check-name">
              {name}
              <span class="hidden">, {texts.doctorResult[result]}</span>
            </span>
            <span class="check-seen">
              {seen}
              {advice !== undefined && <span class="check-advice">{advice}</span>}
            </span>
          </li>
        ))}
      </ul>
    </article>
  )
}

function summary(): string {
  const count = (wanted: Check['result']) => checks.value.filter(({ result }) => result === wanted).length
  return texts.doctorSummary(count('failed'), count('warning'))
}

async function run(): Promise<void> {
  isRunning.value = true
  failure.value = ''
  checks.value = []
  try {
    await eachLine<Check | Failure>('doctor', new AbortController().signal, (line) => {
      if ('error' in line) failure.value = line.error.message
      else checks.value = [...checks.value, line]
    })
  } catch (error) {
    failure.value = error instanceof Error ? error.message : texts.unreachable
  } finally {
    isRunning.value = false
  }
}
