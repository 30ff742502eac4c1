import { type Signal, signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { confirm } from './dialog.tsx'
import { edit } from './edits.tsx'
import { nodeAt, type Path, parseTree, pathText, renamed, treeText, withNode } from './json-tree.ts'
import { togglePin } from './samples.ts'
import { isReadOnly, type Opened, opened } from './state.ts'
import { texts } from './texts.ts'
import { rowsOf, type TreeRow, treeOf } from './tree-rows.ts'
import { askName, editJson } from './value-dialogs.tsx'
import { VariableRow } from './variable-row.tsx'
import { moved, Windowed } from './windowed.tsx'

interface TreeProps {
  readonly pool: Extract<Opened, { state: 'there' }> & { readonly variables: ReadonlyMap<string, string> }
  readonly filter: string
}

/** The open nodes of each pool, until the page is closed. */
const openIds: Signal<ReadonlyMap<string, ReadonlySet<string>>> = signal(new Map())
const NONE: ReadonlySet<string> = new Set()

/** Heights of a row, as `--row` in tokens.css; touch screens need more. */
const ROW_HEIGHT = matchMedia('(pointer: coarse)').matches ? 44 : 36

/** The variables of a pool, with all actions on them. */
export function VariableTree({ pool: { name, variables, changedAt }, filter }: TreeProps): JSX.Element {
  const openOnes = openIds.value.get(name) ?? NONE
  const rows = useMemo(() => rowsOf(variables, openOnes, filter), [variables, openOnes, filter])
  const activeId = useSignal<string | undefined>(undefined)
  const editing = useSignal<{ readonly id: string; readonly seen: string | undefined } | undefined>(undefined)
  const active = Math.max(
    0,
    rows.findIndex(({ id }) => id === activeId.value),
  )
  const current = rows[active]
  const focus = () => document.getElementById('tree')?.focus()

  const toggle = ({ id }: TreeRow) => {
    const ids = new Set(openOnes)
    if (!ids.delete(id)) ids.add(id)
    openIds.value = new Map(openIds.value).set(name, ids)
  }
  /** `seen` is the variable when the user began; changes outside the path since then are kept. */
  const change = (path: Path, json: string | undefined, seen?: string) => {
    const [variable, ...inner] = path as [string, ...Path]
    const before = latest(name, variables).get(variable)
    const whole = before === undefined || inner.length === 0 ? undefined : treeOf(before)
    const next = json === undefined ? undefined : parseTree(json)
    const after = whole === undefined ? json : treeText(withNode(whole, inner, next))
    const base = seen === undefined || textAt(seen, inner) === textAt(before, inner) ? before : seen
    void edit(name, [[variable, base ?? null, after ?? null]])
  }
  const startEdit = (row: TreeRow) => {
    const { node, path, id } = row
    const seen = variables.get(String(path[0]))
    const isLong = 'source' in node && (node.source.length > 200 || node.source.includes('\\n'))
    if (node.kind === 'boolean') change(path, node.source === 'true' ? 'false' : 'true')
    else if ((node.kind === 'number' || node.kind === 'text') && !isLong) editing.value = { id, seen }
    else startJson(row, seen)
  }
  const startJson = ({ node, path }: TreeRow, seen = variables.get(String(path[0]))) => {
    editing.value = undefined
    editJson(pathText(path), treeText(node, '  '), (json) => change(path, minified(json), seen))
  }
  const remove = ({ path, node }: TreeRow) => {
    const seen = variables.get(String(path[0]))
    confirm({
      title: `${texts.removeOf(pathText(path))}?`,
      text: <pre class="lost">{treeText(node, '  ')}</pre>,
      go: texts.remove,
      onGo: () => change(path, undefined, seen),
    })
  }
  const rename = ({ path }: TreeRow) => {
    const [variable, ...inner] = path as [string, ...Path]
    const text = variables.get(variable) as string
    const parent = nodeAt(treeOf(text), inner.slice(0, -1))
    const isTaken = (wanted: string) =>
      inner.length === 0
        ? variables.has(wanted)
        : parent?.kind === 'map' && parent.entries.some(([one]) => one === wanted)
    const onDone = (wanted: string) => {
      if (inner.length > 0) {
        void edit(name, [[variable, text, treeText(renamed(treeOf(text), inner, wanted))]])
      } else if (wanted !== variable) {
        void edit(name, [
          [wanted, null, text],
          [variable, text, null],
        ])
      }
    }
    askName({ title: texts.renameOf(pathText(path)), go: texts.rename, name: String(path.at(-1)), isTaken, onDone })
  }
  const addTo = ({ path, node }: TreeRow) => {
    if (node.kind === 'list') {
      editJson(texts.addIn(pathText(path)), 'null', (json) => change([...path, node.items.length], minified(json)))
      return
    }
    const isTaken = (wanted: string) => node.kind === 'map' && node.entries.some(([one]) => one === wanted)
    askName({
      title: texts.addIn(pathText(path)),
      go: texts.add,
      hasValue: true,
      isTaken,
      onDone: (wanted, json) => change([...path, wanted], json),
    })
  }
  const canRename = ({ path }: TreeRow) => typeof path.at(-1) === 'string'

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || current === undefined || event.ctrlKey || event.metaKey) return
    const next = moved(event.key, active, rows.length)
    const isHandled = next === undefined ? onTreeKey(event.key, current) : true
    if (next !== undefined) activeId.value = rows[next]?.id
    if (isHandled) event.preventDefault()
  }
  const onTreeKey = (key: string, row: TreeRow): boolean => {
    const hasInner = row.node.kind === 'map' || row.node.kind === 'list'
    if (key === 'ArrowRight') {
      if (hasInner && !row.isOpen) toggle(row)
      else if (row.isOpen) activeId.value = rows[active + 1]?.id
    } else if (key === 'ArrowLeft') {
      if (row.isOpen) toggle(row)
      else activeId.value = rows.findLast(({ level }, index) => index < active && level < row.level)?.id ?? row.id
    } else if (key === 'c' && row.node.kind === 'number') togglePin(name, pathText(row.path))
    else if (isReadOnly.value) return false
    else if (key === 'Enter' || key === ' ') startEdit(row)
    else if (key === 'j') startJson(row)
    else if (key === 'F2' && canRename(row)) rename(row)
    else if (key === 'Delete') remove(row)
    else if (key === 'Insert') hasInner ? addTo(row) : addVariable(name, variables)
    else return false
    return true
  }

  if (rows.length === 0) return <p class="empty">{filter === '' ? texts.empty : texts.noMatch}</p>
  return (
    <Windowed
      count={rows.length}
      rowHeight={ROW_HEIGHT}
      active={active}
      activeKey={activeId.value}
      attributes={{
        id: 'tree',
        class: 'tree',
        role: 'tree',
        tabIndex: 0,
        'aria-label': texts.tree,
        'aria-description': isReadOnly.value ? texts.keysReadOnly : texts.keys,
        onKeyDown,
      }}
      row={(index) => {
        const row = rows[index] as TreeRow
        return (
          <VariableRow
            key={row.id}
            pool={name}
            row={row}
            index={index}
            isActive={index === active}
            isEditing={editing.value?.id === row.id}
            isReadOnly={isReadOnly.value}
            changedAt={changedAt.get(row.id)}
            onActivate={() => {
              activeId.value = row.id
            }}
            onToggle={() => toggle(row)}
            onEdit={() => startEdit(row)}
            onJson={() => startJson(row, editing.value?.seen)}
            onRename={canRename(row) ? () => rename(row) : undefined}
            onRemove={() => remove(row)}
            onAdd={() => addTo(row)}
            onValue={(json) => {
              const seen = editing.value?.seen
              editing.value = undefined
              focus()
              if (json !== undefined) change(row.path, json, seen)
            }}
          />
        )
      }}
    />
  )
}

/** Asks for a new variable of a pool. */
export function addVariable(pool: string, variables: ReadonlyMap<string, string>): void {
  askName({
    title: texts.add,
    go: texts.add,
    hasValue: true,
    isTaken: (name) => variables.has(name),
    onDone: (name, json) => void edit(pool, [[name, null, json]]),
  })
}

/** The variables now: a dialog may have been open for long. */
function latest(pool: string, variables: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const shown = opened.peek()
  return shown?.state === 'there' && shown.name === pool ? (shown.variables ?? variables) : variables
}

function textAt(text: string | undefined, path: Path): string | undefined {
  const node = text === undefined ? undefined : nodeAt(treeOf(text), path)
  return node === undefined ? undefined : treeText(node)
}

/** Without white space, so that the pool is small. */
function minified(json: string): string {
  return treeText(parseTree(json))
}
