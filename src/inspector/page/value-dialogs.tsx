import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { Dialog, show } from './dialog.tsx'
import { jsonError } from './json-error.ts'
import { texts } from './texts.ts'

/** The JSON text of the user's input: JSON as it is, anything else as a string. */
export function jsonOf(typed: string): string {
  const text = typed.trim()
  return text !== '' && jsonError(text) === undefined ? text : JSON.stringify(typed)
}

/** Edits a value of any kind as JSON. */
export function editJson(path: string, text: string, onSave: (text: string) => void): void {
  show((close) => <JsonDialog path={path} text={text} close={close} onSave={onSave} />)
}

interface JsonProps {
  readonly path: string
  readonly text: string
  readonly close: () => void
  readonly onSave: (text: string) => void
}

function JsonDialog({ path, text, close, onSave }: JsonProps): JSX.Element {
  const [typed, setTyped] = useState(text)
  const area = useRef<HTMLTextAreaElement>(null)
  const error = jsonError(typed)
  const message = error && texts.jsonError(error.reason, error.line, error.column)
  const save = () => {
    if (error === undefined) {
      close()
      onSave(typed.trim())
      return
    }
    const lines = typed.split('\n')
    const at = lines.slice(0, error.line - 1).reduce((sum, line) => sum + line.length + 1, error.column - 1)
    area.current?.focus()
    area.current?.setSelectionRange(at, at + 1)
  }
  return (
    <Dialog
      title={texts.editOf(path)}
      close={close}
      onSubmit={save}
      isWide
      actions={
        <button type="submit" class="primary">
          {texts.save}
        </button>
      }
    >
      <label class="field">
        <span>{texts.editJson}</span>
        <textarea
          ref={area}
          class="code"
          rows={Math.min(20, Math.max(4, typed.split('\n').length + 1))}
          spellcheck={false}
          value={typed}
          aria-invalid={error !== undefined}
          aria-describedby="json-error"
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) save()
          }}
        />
      </label>
      <p id="json-error" class="field-error" aria-live="polite">
        {message}
      </p>
    </Dialog>
  )
}

/** Asks for a name, and for a value where one is wanted. */
export function askName(wanted: {
  readonly title: string
  readonly go: string
  readonly name?: string
  readonly isTaken: (name: string) => boolean
  readonly hasValue?: boolean
  readonly onDone: (name: string, json: string) => void
}): void {
  show((close) => <NameDialog {...wanted} close={close} />)
}

type NameProps = Parameters<typeof askName>[0] & { readonly close: () => void }

function NameDialog({ title, go, name = '', isTaken, hasValue = false, onDone, close }: NameProps): JSX.Element {
  const [typed, setTyped] = useState(name)
  const [value, setValue] = useState('')
  const [wasTried, setWasTried] = useState(false)
  const reason =
    typed === '' ? texts.nameMissing : typed !== name && isTaken(typed) ? texts.nameTaken(typed) : undefined
  const save = () => {
    setWasTried(true)
    if (reason !== undefined) return
    close()
    onDone(typed, jsonOf(value))
  }
  return (
    <Dialog
      title={title}
      close={close}
      onSubmit={save}
      actions={
        <button type="submit" class="primary">
          {go}
        </button>
      }
    >
      <label class="field">
        <span>{texts.name}</span>
        <input
          value={typed}
          spellcheck={false}
          autocomplete="off"
          aria-describedby="name-error"
          aria-invalid={wasTried && reason !== undefined}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <p id="name-error" class="field-error" aria-live="polite">
        {wasTried || reason !== texts.nameMissing ? reason : ''}
      </p>
      {hasValue && (
        <label class="field">
          <span>{texts.value}</span>
          <input
            class="code"
            value={value}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => setValue(event.currentTarget.value)}
          />
          <small>{texts.valueHint}</small>
        </label>
      )}
    </Dialog>
  )
}
