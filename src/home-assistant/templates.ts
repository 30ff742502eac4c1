// Templates of Home Assistant (Jinja). A variable may have any name: names are in string literals only.

/** The payload that Home Assistant takes for "unknown", where it does not take every text as it is. */
const UNKNOWN = 'None'
/** The state that it shows as unknown: for sensors of any text and for texts, which would show "None". */
const UNKNOWN_TEXT = 'unknown'

/** A string literal with the escapes of Jinja. */
function literal(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`
}

/** The value of a variable as text; unknown where it is missing or null, or the payload is no pool. */
export function valueTemplate(name: string): string {
  return templateOf(name, UNKNOWN)
}

/** The same where every text is a state. */
export function textTemplate(name: string): string {
  return templateOf(name, UNKNOWN_TEXT)
}

/** A boolean as ON or OFF: Jinja would write True. */
export function booleanTemplate(name: string): string {
  const value = `value_json[${literal(name)}]`
  return `{{ ('ON' if ${value} else 'OFF') if ${isThere(name)} and ${value} is not none else '${UNKNOWN}' }}`
}

/** A merge patch (RFC 7396) that sets the variable to `value`. */
export function commandTemplate(name: string): string {
  return `{{ { ${literal(name)}: value } | tojson }}`
}

function templateOf(name: string, unknown: string): string {
  const value = `value_json[${literal(name)}]`
  return `{{ ${value} if ${isThere(name)} and ${value} is not none else '${unknown}' }}`
}

function isThere(name: string): string {
  return `value_json is mapping and ${literal(name)} in value_json`
}
