import { isMap, type JsonObject, type JsonValue } from '../../format/json.ts'
import { parseJson } from '../../format/parse-json.ts'

/** Around a value that cannot be a variable as it is: `$value` for a text, `$raw` for anything else. */
interface Envelope extends JsonObject {
  $value?: JsonValue
  $raw?: JsonValue
  /** In milliseconds since 1970. */
  $expires?: number
}

/**
 * The variable for a key's value, which most often is a text. A text that is JSON becomes that JSON, so that people and
 * devices can read and change it; toValue() returns the same text.
 */
export function toVariable(value: unknown, expires?: number): unknown {
  const isText = typeof value === 'string'
  const kept = isText ? fromText(value) : withoutUndefined(value)
  if (isText && expires === undefined && !isEnvelope(kept)) return kept
  return { [isText ? '$value' : '$raw']: kept, ...(expires !== undefined && { $expires: expires }) }
}

/** The value that was given to toVariable(). */
export function toValue(variable: JsonValue): unknown {
  if (!isEnvelope(variable)) return toText(variable)
  const { $value, $raw } = variable
  return $value === undefined ? withoutUndefined($raw) : toText($value)
}

/** When it expires, in milliseconds since 1970; undefined: it does not. */
export function expiresAt(variable: JsonValue): number | undefined {
  return isEnvelope(variable) ? variable.$expires : undefined
}

/** The JSON of a text; the text itself where it is no JSON, a JSON string, or would not come back as it was written. */
function fromText(text: string): JsonValue {
  try {
    const json = parseJson(text)
    return typeof json !== 'string' && JSON.stringify(json) === text ? json : text
  } catch {
    return text
  }
}

function toText(json: JsonValue): string {
  return typeof json === 'string' ? json : JSON.stringify(json)
}

/** A copy as JSON; a value without JSON stays, and the store refuses it. */
function withoutUndefined(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined
  return text === undefined ? value : parseJson(text)
}

/** Is it an envelope, or JSON of the program that looks like one, and so needs an envelope around it? */
function isEnvelope(json: unknown): json is Envelope {
  if (!isMap(json)) return false
  const { $expires = 0 } = json
  if (typeof $expires !== 'number') return false
  const names = Object.keys(json).filter((name) => name !== '$expires')
  return names.length === 1 && (names[0] === '$value' || names[0] === '$raw')
}
