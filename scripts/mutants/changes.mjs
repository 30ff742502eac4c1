import { parseSync } from 'rolldown/utils'

/**
 * A change to one place of a source text.
 * @typedef {{ start: number, end: number, text: string }} Change
 */

/**
 * A node of the syntax tree (ESTree).
 * @typedef {{ type: string, start: number, end: number, [key: string]: any }} Node
 */

/** @type {Readonly<Record<string, readonly string[]>>} */
const OTHER_OPERATORS = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '&&': ['||'],
  '||': ['&&'],
  '+': ['-'],
  '-': ['+'],
}

/** @type {Readonly<Record<string, string>>} */
const OTHER_METHODS = {
  some: 'every',
  every: 'some',
  find: 'findLast',
  findLast: 'find',
  findIndex: 'findLastIndex',
  findLastIndex: 'findIndex',
  min: 'max',
  max: 'min',
}

/**
 * The small mistakes that somebody could make in a source text: a condition that always or never holds, an operator that is
 * another one, half of an expression with && or ||, a statement that is missing, the other boolean.
 *
 * @param {string} file
 * @param {string} source
 * @returns {Change[]}
 */
export function changesOf(file, source) {
  const { program, errors } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  /** @type {Change[]} */
  const changes = []
  for (const node of nodesIn(program)) {
    const change = (/** @type {Node} */ { start, end }, /** @type {string} */ text) =>
      changes.push({ start, end, text })
    const textOf = (/** @type {Node} */ { start, end }) => source.slice(start, end)
    if (node.type === 'IfStatement' || node.type === 'ConditionalExpression') {
      change(node.test, 'true')
      change(node.test, 'false')
    } else if (node.type === 'LogicalExpression') {
      change(node, textOf(node.left))
      change(node, textOf(node.right))
    } else if (node.type === 'UnaryExpression' && node.operator === '!') {
      change(node, textOf(node.argument))
    } else if (node.type === 'Literal' && typeof node.value === 'boolean') {
      change(node, `${!node.value}`)
    } else if (node.type === 'ExpressionStatement' || node.type === 'ThrowStatement') {
      change(node, ';')
    } else if (node.type === 'AssignmentExpression' && /^(&&|\|\||\?\?)=$/.test(node.operator)) {
      change(node, `${textOf(node.left)} = ${textOf(node.right)}`)
    } else if (node.type === 'MemberExpression' && !node.computed) {
      const other = OTHER_METHODS[node.property.name]
      if (other !== undefined) change(node.property, other)
    }
    // Texts are added too.
    const isOfTexts = node.operator === '+' && /['"`]/.test(textOf(node))
    if (node.type === 'LogicalExpression' || (node.type === 'BinaryExpression' && !isOfTexts)) {
      for (const operator of OTHER_OPERATORS[node.operator] ?? [])
        change(node, `(${textOf(node.left)}) ${operator} (${textOf(node.right)})`)
    }
  }
  return changes.sort((one, other) => one.start - other.start)
}

/**
 * All nodes but those of types.
 *
 * @param {any} value
 * @returns {Generator<Node>}
 */
function* nodesIn(value) {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const one of value) yield* nodesIn(one)
    return
  }
  const isType = typeof value.type === 'string' && value.type.startsWith('TS')
  // `x as Type` and `x!` have an expression in them.
  if (isType && value.expression === undefined) return
  if (isType) return yield* nodesIn(value.expression)
  if (typeof value.type === 'string') yield value
  for (const key of Object.keys(value)) yield* nodesIn(value[key])
}
