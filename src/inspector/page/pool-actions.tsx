import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { PoolSummary } from '../protocol.ts'
import { confirm, Dialog, show } from './dialog.tsx'
import { askForce, type Change, doesNotListen, outcome, remember } from './edits.tsx'
import { Icon } from './icons.tsx'
import { backupAddress, copyPool, deletePool, RequestFailed, zeroPool } from './requests.ts'
import { go } from './route.ts'
import { isReadOnly, opened, pools, poolsVersion } from './state.ts'
import { texts } from './texts.ts'
import { tell } from './toasts.tsx'

/** Actions on a whole pool; each says first what will be lost. */
export function PoolActions({ pool }: { readonly pool: PoolSummary }): JSX.Element {
  const menu = useRef<HTMLDetailsElement>(null)
  const item = (label: string, onClick: () => void, isDanger = false) => (
    <button
      type="button"
      class={isDanger ? 'danger-text' : ''}
      onClick={() => {
        // A closing dialog restores the focus, which a button in a closed menu cannot have.
        menu.current?.querySelector('summary')?.focus()
        menu.current?.removeAttribute('open')
        onClick()
      }}
    >
      {label}
    </button>
  )
  return (
    <details
      ref={menu}
      class="menu"
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        menu.current?.removeAttribute('open')
        menu.current?.querySelector('summary')?.focus()
      }}
      onFocusOut={(event) => {
        if (!menu.current?.contains(event.relatedTarget as Node | null)) menu.current?.removeAttribute('open')
      }}
    >
      <summary aria-label={texts.actions} title={texts.actions}>
        <Icon name="more" />
      </summary>
      <div class="menu-items">
        <a href={backupAddress([pool.name])} download onClick={() => menu.current?.removeAttribute('open')}>
          {texts.exportOne}
        </a>
        {!isReadOnly.value && (
          <>
            {item(texts.copy, () => askCopy(pool, false))}
            {item(texts.move, () => askCopy(pool, true))}
            {item(texts.zero, () => askZero(pool), true)}
            {item(texts.delete, () => askDelete(pool), true)}
          </>
        )}
      </div>
    </details>
  )
}

function askZero({ name, variables, bytes, owner }: PoolSummary): void {
  if (variables === 0) {
    refuse(texts.zeroTitle(name), texts.zeroAlready)
    return
  }
  confirm({
    title: texts.zeroTitle(name),
    text: (
      <>
        <p>{texts.zeroText(texts.content(variables, bytes))}</p>
        <p>{texts.keptInHistory}</p>
        {owner !== 'none' && <p>{texts.ownerLine[owner]}</p>}
      </>
    ),
    go: texts.zeroGo,
    onGo: () =>
      attempt(name, async (force) => {
        const lost = variablesOf(name)
        const done = await zeroPool(name, { force })
        remember(name, lost)
        tell(force ? 'warning' : 'done', texts.emptied(name), outcome(name, done))
      }),
  })
}

/** The differences that emptying a pool makes; none where its content is not loaded. */
function variablesOf(name: string): Change[] {
  const shown = opened.peek()
  if (shown?.name !== name || shown.state !== 'there') return []
  return Array.from(shown.variables ?? [], ([variable, text]): Change => [variable, text, null])
}

function askDelete({ name, variables, bytes, owner }: PoolSummary): void {
  if (owner === 'program') {
    refuse(texts.deleteTitle(name), texts.deleteOwned)
    return
  }
  confirm({
    title: texts.deleteTitle(name),
    text: (
      <>
        <p>{texts.deleteText(texts.content(variables, bytes))}</p>
        <p>{texts.keptInHistory}</p>
        {owner === 'device' && <p>{texts.deviceLine(name)}</p>}
      </>
    ),
    go: texts.deleteGo,
    onGo: () =>
      attempt(name, async (force) => {
        await deletePool(name, { force })
        tell('done', texts.deleted(name))
        // The history can bring it back.
        go({ page: 'pool', name, tab: 'history' })
      }),
  })
}

/** Says why something cannot be done; there is nothing to decide. */
function refuse(title: string, text: string): void {
  show((close) => (
    <Dialog title={title} close={close}>
      <p>{text}</p>
    </Dialog>
  ))
}

function askCopy({ name, owner }: PoolSummary, isMove: boolean): void {
  if (isMove && owner === 'program') refuse(texts.moveTitle(name), texts.moveOwned)
  else show((close) => <CopyDialog name={name} isMove={isMove} close={close} />)
}

interface CopyProps {
  readonly name: string
  readonly isMove: boolean
  readonly close: () => void
}

/** Stays open until the copy is made, so that a refusal does not lose the name that the user typed. */
function CopyDialog({ name, isMove, close }: CopyProps): JSX.Element {
  poolsVersion.value
  const [to, setTo] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState('')
  const there = pools.get(to)
  const isFromDevice = isMove && pools.get(name)?.owner === 'device'
  const reason = to === name ? texts.copyToItself : /[+#\0]/.test(to) ? texts.badName : failure
  const isReady = to !== '' && to !== name && !/[+#\0]/.test(to) && !isBusy
  const doIt = async () => {
    if (!isReady) return
    setIsBusy(true)
    try {
      // The dialog has said what `force` overrules.
      const done = await copyPool(name, { to, isMove, force: there !== undefined || isFromDevice })
      close()
      tell('done', isMove ? texts.moved(name, to) : texts.copied(name, to), outcome(to, done))
      go({ page: 'pool', name: to, tab: 'variables' })
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error
      setFailure(error.message)
    } finally {
      setIsBusy(false)
    }
  }
  return (
    <Dialog
      title={isMove ? texts.moveTitle(name) : texts.copyTitle(name)}
      close={close}
      onSubmit={() => void doIt()}
      actions={
        <button type="submit" class={there || isFromDevice ? 'danger' : 'primary'} disabled={!isReady}>
          {there ? texts.replaceGo : isMove ? texts.moveGo : texts.copyGo}
        </button>
      }
    >
      <label class="field">
        <span>{texts.copyTo}</span>
        <input
          value={to}
          spellcheck={false}
          autocomplete="off"
          aria-describedby="copy-reason"
          aria-invalid={reason !== ''}
          onInput={(event) => {
            setTo(event.currentTarget.value)
            setFailure('')
          }}
        />
      </label>
      <p id="copy-reason" class="field-error" aria-live="polite">
        {reason || (there && texts.replaceText(to, texts.content(there.variables, there.bytes)))}
      </p>
      {isMove && <p>{texts.moveText}</p>}
      {isFromDevice && <p class="warning-text">{texts.deviceLine(name)}</p>}
      {there?.owner === 'device' && <p class="warning-text">{texts.deviceLine(to)}</p>}
    </Dialog>
  )
}

/** Makes a change; asks first if a device that does not listen owns the pool. */
function attempt(name: string, act: (force: boolean) => Promise<void>, force = false): void {
  act(force).catch((error: unknown) => {
    if (!(error instanceof RequestFailed)) throw error
    if (!force && doesNotListen(error)) askForce(() => attempt(name, act, true))
    else tell('failed', name, error.message)
  })
}
