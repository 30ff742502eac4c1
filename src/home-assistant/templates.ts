// Templates of Home Assistant (Jinja), of names and values that can be anything: names are only ever in string literals.

/** What Home Assistant takes for "not known". */
const UNKNOWN = 'None'

/** A string literal; Jinja and all that is like it know these escapes. */
function literal(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`
}

/** The value of a variable in the pool, as text; "not known" where there is none, or what came is no pool. */
export function valueTemplate(name: string): string {
  const value = `value_json[${literal(name)}]`
  return `{{ ${value} if ${isThere(name)} and ${value} is not none else '${UNKNOWN}' }}`
}

/** The same of a boolean, as ON and OFF: Jinja writes True. */
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
