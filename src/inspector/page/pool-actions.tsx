import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { PoolSummary } from '../protocol.ts'
import { confirm, Dialog, show } from './dialog.tsx'
import { askForce, isDeaf, outcome } from './edits.tsx'
import { Icon } from './icons.tsx'
import { backupAddress, copyPool, deletePool, RequestFailed, zeroPool } from './requests.ts'
import { go } from './route.ts'
import { isReadOnly, pools } from './state.ts'
import { texts } from './texts.ts'
import { tell } from './toasts.tsx'

/** What can be done with a pool as a whole; each says what is lost before it does anything. */
export function PoolActions({ pool }: { readonly pool: PoolSummary }): JSX.Element {
  const menu = useRef<HTMLDetailsElement>(null)
  const item = (label: string, onClick: () => void, isDanger = false) => (
    <button
      type="button"
      class={isDanger ? 'danger-text' : ''}
      onClick={() => {
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
        <a href={backupAddress([pool.name])} download>
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
  confirm({
    title: texts.zeroTitle(name),
    text: (
      <>
        <p>{texts.zeroText(texts.content(variables, bytes))}</p>
        {owner !== 'none' && <p>{texts.ownerLine[owner]}</p>}
      </>
    ),
    go: texts.zeroGo,
    onGo: () =>
      attempt(name, (force) =>
        zeroPool(name, { force }).then((done) => tell('done', texts.emptied(name), outcome(name, done))),
      ),
  })
}

function askDelete({ name, variables, bytes, owner }: PoolSummary): void {
  if (owner === 'program') {
    tell('warning', texts.deleteTitle(name), texts.deleteOwned)
    return
  }
  confirm({
    title: texts.deleteTitle(name),
    text: (
      <>
        <p>{texts.deleteText(texts.content(variables, bytes))}</p>
        {owner === 'device' && <p>{texts.ownerLine.device}</p>}
      </>
    ),
    go: texts.deleteGo,
    onGo: () =>
      attempt(name, async (force) => {
        await deletePool(name, { force })
        tell('done', texts.deleted(name))
        go({ page: 'pools' })
      }),
  })
}

function askCopy(pool: PoolSummary, isMove: boolean): void {
  show((close) => <CopyDialog pool={pool} isMove={isMove} close={close} />)
}

interface CopyProps {
  readonly pool: PoolSummary
  readonly isMove: boolean
  readonly close: () => void
}

function CopyDialog({ pool: { name }, isMove, close }: CopyProps): JSX.Element {
  const [to, setTo] = useState('')
  const there = pools.get(to)
  const doIt = () => {
    if (to === '' || to === name) return
    close()
    attempt(name, async (force) => {
      const done = await copyPool(name, { to, isMove, force: force || there !== undefined })
      tell('done', isMove ? texts.moved(name, to) : texts.copied(name, to), outcome(to, done))
      go({ page: 'pool', name: to, tab: 'variables' })
    })
  }
  const label = isMove ? texts.moveGo : texts.copyGo
  return (
    <Dialog
      title={isMove ? texts.moveTitle(name) : texts.copyTitle(name)}
      close={close}
      onSubmit={doIt}
      actions={
        <button type="submit" class={there ? 'danger' : 'primary'} disabled={to === '' || to === name}>
          {there ? texts.replaceGo : label}
        </button>
      }
    >
      <label class="field">
        <span>{texts.copyTo}</span>
        <input value={to} spellcheck={false} autocomplete="off" onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      {isMove && <p>{texts.moveText}</p>}
      <p class="field-error" aria-live="polite">
        {there && texts.replaceText(to, texts.content(there.variables, there.bytes))}
      </p>
      {there?.owner === 'device' && <p>{texts.ownerLine.device}</p>}
    </Dialog>
  )
}

/** Does it; where a device does not listen, asks whether to do it all the same. */
function attempt(name: string, act: (force: boolean) => Promise<void>, force = false): void {
  act(force).catch((error: unknown) => {
    if (!(error instanceof RequestFailed)) throw error
    if (!force && isDeaf(error)) askForce(() => attempt(name, act, true))
    else tell('failed', name, error.message)
  })
}
