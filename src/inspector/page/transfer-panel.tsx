import { batch, computed, type Signal, signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ImportedPool, ImportPlan, Restored } from '../protocol.ts'
import { confirm } from './dialog.tsx'
import { DiffView } from './diff-view.tsx'
import { ExportSome } from './export-some.tsx'
import { backupAddress, compareBackup, restoreBackup } from './requests.ts'
import { go } from './route.ts'
import { isReadOnly, poolNames } from './state.ts'
import { texts } from './texts.ts'
import { tell } from './toasts.tsx'

interface Import {
  readonly file: string
  readonly backup: string
  readonly plan: ImportPlan
}

const current: Signal<Import | undefined> = signal<Import | undefined>(undefined)
const selected: Signal<ReadonlySet<string>> = signal<ReadonlySet<string>>(new Set())
const isForced = signal(false)
const isBusy = signal(false)
const failure = signal('')
const results: Signal<ReadonlyMap<string, Restored>> = signal<ReadonlyMap<string, Restored>>(new Map())

/** The pools that would change, and those that were restored. */
const listed = computed(
  () => current.value?.plan.pools.filter(({ kind, name }) => kind !== 'same' || results.value.has(name)) ?? [],
)
/** How many rows a browser draws without a noticeable pause; a button shows more. */
const MORE = 100
const shownCount = signal(MORE)

/** Compares a backup that the user has chosen or dropped. */
export async function chooseBackup(file: File): Promise<void> {
  go({ page: 'transfer' })
  if (isBusy.value) return tell('warning', texts.importBusy)
  failure.value = ''
  isBusy.value = true
  try {
    const backup = await file.text()
    const plan = await compareBackup(backup)
    batch(() => {
      results.value = new Map()
      current.value = { file: file.name, backup, plan }
      selected.value = new Set(listed.value.filter(({ owner }) => owner !== 'device').map(({ name }) => name))
      isForced.value = false
      shownCount.value = MORE
    })
  } catch (error) {
    current.value = undefined
    failure.value = error instanceof Error ? error.message : texts.unreachable
  } finally {
    isBusy.value = false
  }
}

/** Makes and restores backups. */
export function TransferPanel(): JSX.Element {
  return (
    <article class="view" aria-labelledby="transfer-title">
      <header class="view-head">
        <div class="view-title">
          <h1 id="transfer-title">{texts.exportTitle}</h1>
          <p class="muted">{texts.exportText(poolNames.value.length)}</p>
        </div>
        <a class="button" href={backupAddress()} download>
          {texts.exportAll}
        </a>
      </header>
      <ExportSome />
      <section class="import" aria-labelledby="import-title">
        <h2 id="import-title">{texts.importTitle}</h2>
        <p class="muted">{texts.importText}</p>
        <label class="button">
          {texts.importChoose}
          <input
            class="hidden"
            type="file"
            accept=".jsonl,.json,.ndjson,.txt"
            onChange={({ currentTarget }) => {
              const file = currentTarget.files?.[0]
              // The same file may be chosen again.
              currentTarget.value = ''
              if (file !== undefined) void chooseBackup(file)
            }}
          />
        </label>
        <p class="hidden" role="status">
          {isBusy.value ? texts.importReading : ''}
        </p>
        {isBusy.value && current.value === undefined && <p class="muted">{texts.importReading}</p>}
        {failure.value !== '' && (
          <p class="failed-text" role="alert">
            {failure.value}
          </p>
        )}
        {current.value && <Plan {...current.value} />}
      </section>
    </article>
  )
}

function Plan({ file, plan }: Import): JSX.Element {
  const list = listed.value
  const same = plan.pools.length - list.length
  const chosen = chosenPools()
  const hasDevices = list.some(({ owner }) => owner === 'device')
  const all = list.filter((pool) => mayBe(pool))
  const isAll = all.length > 0 && all.every(({ name }) => selected.value.has(name))
  return (
    <div class="plan">
      <p>{texts.importOf(file, plan.broker, new Date(plan.created).toLocaleString('en-GB'))}</p>
      {!plan.isComplete && <p class="warning-text">{texts.importIncomplete}</p>}
      {same > 0 && <p class="muted">{texts.importSame(same)}</p>}
      {hasDevices && !isReadOnly.value && (
        <label class="check-line">
          <input
            type="checkbox"
            checked={isForced.value}
            onChange={({ currentTarget }) => {
              isForced.value = currentTarget.checked
            }}
          />
          {texts.importForce}
        </label>
      )}
      {list.length > 0 && !isReadOnly.value && (
        <div class="plan-head">
          <label class="check-line">
            <input
              type="checkbox"
              checked={isAll}
              onChange={() => {
                selected.value = new Set(isAll ? [] : all.map(({ name }) => name))
              }}
            />
            {texts.importAll}
          </label>
          <button
            type="button"
            class="primary"
            // Not disabled: that would take the focus away.
            aria-disabled={isBusy.value || chosen.length === 0}
            onClick={() => isBusy.value || chosen.length === 0 || ask(chosen)}
          >
            {isBusy.value ? texts.restoring : texts.importSelect(chosen.length)}
          </button>
        </div>
      )}
      <ul class="plan-pools">
        {list.slice(0, shownCount.value).map((pool) => (
          <Line key={pool.name} pool={pool} />
        ))}
      </ul>
      {list.length > shownCount.value && (
        <button
          type="button"
          onClick={() => {
            shownCount.value += MORE
          }}
        >
          {texts.importMore(list.length - shownCount.value)}
        </button>
      )}
    </div>
  )
}

function mayBe({ owner, kind }: ImportedPool): boolean {
  return kind !== 'same' && (owner !== 'device' || isForced.value)
}

function chosenPools(): ImportedPool[] {
  return listed.value.filter((pool) => mayBe(pool) && selected.value.has(pool.name))
}

/** Asks before restoring, and says what will be lost. */
function ask(chosen: readonly ImportedPool[]): void {
  const removed = chosen.flatMap(({ changes }) => changes).filter(([, , backup]) => backup === null).length
  const count = (kind: ImportedPool['kind']) => chosen.filter((one) => one.kind === kind).length
  confirm({
    title: texts.importAsk(chosen.length),
    text: (
      <>
        <p>{texts.importCounts(count('new'), count('changed'), count('invalid'))}</p>
        {removed > 0 && <p class="failed-text">{texts.importRemoved(removed)}</p>}
        {chosen.some(({ owner }) => owner === 'device') && <p class="warning-text">{texts.device.more}</p>}
      </>
    ),
    go: texts.importGo,
    isDanger: removed > 0 || count('invalid') > 0,
    onGo: () => void restore(chosen.map(({ name }) => name)),
  })
}

function Line({ pool }: { readonly pool: ImportedPool }): JSX.Element {
  const { name, owner, kind, changes } = pool
  const result = results.value.get(name)
  const [isOpen, setIsOpen] = useState(false)
  const isOn = mayBe(pool) && selected.value.has(name)
  return (
    <li class="plan-pool">
      <div class="plan-pool-head">
        {!isReadOnly.value && (
          <input
            type="checkbox"
            aria-label={texts.importTitleOf(name)}
            checked={isOn}
            disabled={!mayBe(pool)}
            onChange={() => {
              const next = new Set(selected.value)
              if (!next.delete(name)) next.add(name)
              selected.value = next
            }}
          />
        )}
        <strong>{name}</strong>
        {kind !== 'same' && <span class="muted">{texts.importKind[kind]}</span>}
        {owner === 'device' && <span class="warning-text">{texts.importDevice}</span>}
        {result && 'error' in result && <span class="failed-text">{result.error.message}</span>}
        {result && 'way' in result && <span class="done-text">{texts.restored}</span>}
      </div>
      {changes.length > 0 && (
        <details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
          <summary>{texts.variables(changes.length)}</summary>
          {isOpen && <DiffView changes={changes} />}
        </details>
      )}
    </li>
  )
}

async function restore(names: readonly string[]): Promise<void> {
  if (current.value === undefined || isBusy.value) return
  isBusy.value = true
  try {
    const { file, backup } = current.value
    const list = await restoreBackup({ backup, names, force: isForced.value })
    // Compared again: the pools may have changed.
    const plan = await compareBackup(backup)
    const failed = list.filter((one) => 'error' in one).length
    batch(() => {
      current.value = { file, backup, plan }
      results.value = new Map([...results.value, ...list.map((one) => [one.name, one] as const)])
      selected.value = new Set(list.filter((one) => 'error' in one).map(({ name }) => name))
    })
    if (list.length > failed) tell('done', texts.importDone(list.length - failed))
    if (failed > 0) tell('failed', texts.importFailed(failed))
  } catch (error) {
    failure.value = error instanceof Error ? error.message : texts.unreachable
  } finally {
    isBusy.value = false
  }
}
