// Templates of Home Assistant (Jinja). A variable may have any name: names are in string literals only.

/** The payload that Home Assistant takes for "unknown". */
const UNKNOWN = 'None'

/** A string literal with the escapes of Jinja. */
function literal(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`
}

/** The value of a variable as text; unknown where it is missing or null, or the payload is no pool. */
export function valueTemplate(name: string): string {
  const value = `value_json[${literal(name)}]`
  return `{{ ${value} if ${isThere(name)} and ${value} is not none else '${UNKNOWN}' }}`
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

function isThere(name: string): string {
  return `value_json is mapping and ${literal(name)} in value_json`
}
