import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { Icon } from './icons.tsx'
import { type JsonNode, pathText } from './json-tree.ts'
import { isPinned, samplesVersion, togglePin } from './samples.ts'
import { Sparkline } from './sparkline.tsx'
import { texts } from './texts.ts'
import type { TreeRow } from './tree-rows.ts'
import { childrenOf } from './tree-rows.ts'
import { rowId } from './windowed.tsx'

interface RowProps {
  readonly pool: string
  readonly row: TreeRow
  readonly index: number
  readonly isActive: boolean
  readonly isEditing: boolean
  readonly isReadOnly: boolean
  /** Its latest change, in milliseconds of performance.now(). */
  readonly changedAt: number | undefined
  readonly onActivate: () => void
  readonly onToggle: () => void
  readonly onEdit: () => void
  /** Edits the value as JSON, also to one of another kind. */
  readonly onJson: () => void
  readonly onRename: (() => void) | undefined
  readonly onRemove: () => void
  readonly onAdd: () => void
  /** Undefined: the page is read-only. */
  readonly onValue: (json: string | undefined) => void
}

/** How long a change is lit up, in milliseconds; a row that comes into view later is not. */
const LIT_MS = 1500

/** One line of the tree: name, value, kind and actions. */
export function VariableRow(props: RowProps): JSX.Element {
  const { pool, row, index, isActive, isEditing, isReadOnly, changedAt, onActivate, onToggle } = props
  const { path, node, level, isOpen, place, siblings, label } = row
  const text = pathText(path)
  const hasInner = childrenOf(node).length > 0
  const light = useLight(changedAt)
  return (
    <div
      id={rowId('tree', index)}
      role="treeitem"
      tabIndex={-1}
      aria-level={level}
      aria-setsize={siblings}
      aria-posinset={place + 1}
      aria-selected={isActive}
      {...(hasInner && { 'aria-expanded': isOpen })}
      aria-label={`${label} ${shown(node)} ${texts.kinds[node.kind]}`}
      class={`tree-row${isActive ? ' active' : ''}${light}`}
      onMouseDown={onActivate}
    >
      <span class="tree-name" style={{ paddingInlineStart: `${(level - 1) * 18}px` }}>
        {hasInner ? (
          <button
            type="button"
            tabIndex={-1}
            class={`twist${isOpen ? ' open' : ''}`}
            aria-label={label}
            onClick={onToggle}
          >
            <Icon name="open" />
          </button>
        ) : (
          <span class="twist-place" />
        )}
        <span class="tree-label" title={text}>
          {label}
        </span>
      </span>{' '}
      <span class="tree-value">
        {isEditing ? (
          <InPlace node={node} label={text} onValue={props.onValue} onJson={props.onJson} />
        ) : (
          <Value {...props} text={text} />
        )}
      </span>{' '}
      <span class={`kind kind-${node.kind}`}>{texts.kinds[node.kind]}</span>{' '}
      <span class="tree-tools">
        {node.kind === 'number' && <Chart pool={pool} path={text} />}
        {!isReadOnly && !isEditing && <Tools {...props} text={text} />}
      </span>
    </div>
  )
}

/** Another class restarts the animation. Another key would, too, but would discard the user's input. */
function useLight(changedAt: number | undefined): string {
  const last = useRef({ at: changedAt, isOdd: false })
  if (last.current.at !== changedAt) last.current = { at: changedAt, isOdd: !last.current.isOdd }
  if (changedAt === undefined || performance.now() - changedAt >= LIT_MS) return ''
  return last.current.isOdd ? ' lit-odd' : ' lit-even'
}

function Chart({ pool, path }: { readonly pool: string; readonly path: string }): JSX.Element {
  samplesVersion.value
  const isOn = isPinned(pool, path)
  return (
    <button
      type="button"
      tabIndex={-1}
      class={`pin${isOn ? ' on' : ''}`}
      aria-pressed={isOn}
      aria-label={isOn ? texts.unpin(path) : texts.pin(path)}
      title={texts.withKey(isOn ? texts.unpin(path) : texts.pin(path), 'C')}
      onClick={() => togglePin(pool, path)}
    >
      <Sparkline pool={pool} path={path} />
      <Icon name="pin" />
    </button>
  )
}

type ToolsProps = RowProps & { readonly text: string }

function Tools({ row, text, onEdit, onJson, onRename, onRemove, onAdd }: ToolsProps): JSX.Element {
  const { node } = row
  return (
    <span class="tools">
      {(node.kind === 'map' || node.kind === 'list') && (
        <Tool icon="add" label={texts.addIn(text)} keyName="Insert" onClick={onAdd} />
      )}
      <Tool
        icon="edit"
        label={texts.editOf(text)}
        keyName="Enter"
        onClick={node.kind === 'boolean' ? onJson : onEdit}
      />
      {onRename && <Tool icon="rename" label={texts.renameOf(text)} keyName="F2" onClick={onRename} />}
      <Tool icon="remove" label={texts.removeOf(text)} keyName="Delete" onClick={onRemove} />
    </span>
  )
}

interface ToolProps {
  readonly icon: Parameters<typeof Icon>[0]['name']
  readonly label: string
  /** The keyboard shortcut. */
  readonly keyName: string
  readonly onClick: () => void
}

function Tool({ icon, label, keyName, onClick }: ToolProps): JSX.Element {
  return (
    <button
      type="button"
      tabIndex={-1}
      class="quiet"
      aria-label={label}
      title={texts.withKey(label, keyName)}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  )
}

function Value({ row: { node }, text, isReadOnly, onEdit, onToggle, onValue }: ToolsProps): JSX.Element {
  if (node.kind === 'boolean') {
    const isOn = node.source === 'true'
    return (
      <button
        type="button"
        role="switch"
        tabIndex={-1}
        class="switch"
        aria-checked={isOn}
        aria-label={texts.toggle(text)}
        disabled={isReadOnly}
        onClick={() => onValue(isOn ? 'false' : 'true')}
      >
        <span class="knob" />
        {isOn ? texts.on : texts.off}
      </button>
    )
  }
  const isInner = node.kind === 'map' || node.kind === 'list'
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys do the same on the tree itself, and so does a button.
    <span class={`value value-${node.kind}`} onDblClick={isReadOnly || isInner ? onToggle : onEdit}>
      {shown(node)}
    </span>
  )
}

/** A value in one line. */
export function shown(node: JsonNode): string {
  if (node.kind === 'list') return texts.items(node.items.length)
  if (node.kind === 'map') return texts.entries(node.entries.length)
  return node.source.length > 500 ? `${node.source.slice(0, 500)}…` : node.source
}

interface InPlaceProps {
  readonly node: JsonNode
  readonly label: string
  readonly onValue: (json: string | undefined) => void
  readonly onJson: () => void
}

/** Edits a number or text in its row: Enter saves, Escape cancels. */
function InPlace({ node, label, onValue, onJson }: InPlaceProps): JSX.Element {
  const isNumber = node.kind === 'number'
  const source = 'source' in node ? node.source : ''
  const [typed, setTyped] = useState(isNumber ? source : String(JSON.parse(source)))
  const isWrong = isNumber && !/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(typed.trim())
  const save = () => {
    if (!isWrong) onValue(isNumber ? typed.trim() : JSON.stringify(typed))
  }
  return (
    <span class="in-place">
      <input
        // The field appears because the user wants to type.
        ref={(input) => {
          if (input !== null && document.activeElement !== input) {
            input.focus()
            input.select()
          }
        }}
        class="code"
        inputMode={isNumber ? 'decimal' : 'text'}
        aria-label={label}
        aria-invalid={isWrong}
        title={isWrong ? texts.notNumber : ''}
        value={typed}
        spellcheck={false}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => {
          event.stopPropagation()
          if (event.key === 'Enter') save()
          else if (event.key === 'Escape') onValue(undefined)
        }}
      />
      <button type="button" class="primary small" onClick={save} disabled={isWrong}>
        {texts.save}
      </button>
      <button type="button" class="small" aria-label={texts.editJson} title={texts.editJson} onClick={onJson}>
        {texts.json}
      </button>
      <button type="button" class="small" onClick={() => onValue(undefined)}>
        {texts.cancel}
      </button>
    </span>
  )
}
