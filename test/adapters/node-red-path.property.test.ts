import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyPath } from '../../src/adapters/node-red/property-path.ts'
import { util } from './node-red-modules.ts'

/** The steps, or the code of the error. */
function outcome(parse: () => readonly unknown[]): unknown {
  try {
    return parse()
  } catch (error) {
    return (error as { code?: string }).code
  }
}

const agrees = (expression: string) => {
  const theirs = outcome(() => util.normalisePropertyExpression(expression))
  const ours = outcome(() => propertyPath(expression))
  // An index whose bracket is not closed, which Node-RED takes for a name: `a[1[0]`.
  if (ours === 'INVALID_EXPR' && /\[\d[^\]]*\[/.test(expression)) return
  expect(ours, expression).toEqual(theirs)
}

test('any text is taken apart, or refused, as Node-RED does it', () => {
  const parts = ['a', 'b1', 'ü', '0', '12', '.', '[', ']', "'", '"', ' ', '$', '_', '-', '[0]', '["x y"]', '🌡', '\\']
  const text = fc.array(fc.constantFrom(...parts), { maxLength: 9 }).map((list) => list.join(''))
  fc.assert(fc.property(text, agrees), { numRuns: 20_000 })
})

test('sound expressions are taken apart as Node-RED does it', () => {
  const name = fc.constantFrom('a', 'b1', '$x', '_', 'rooms', '7', 'a-b', '__proto__')
  const quoted = fc.constantFrom('["e f"]', `['it"s']`, '["a.b"]', '["0"]', "['[']")
  const step = fc.oneof(
    name.map((text) => `.${text}`),
    fc.nat(20).map((index) => `[${index}]`),
    quoted,
  )
  const sound = fc.tuple(name, fc.array(step, { maxLength: 5 })).map(([first, rest]) => first + rest.join(''))
  fc.assert(fc.property(sound, agrees), { numRuns: 20_000 })
})

test.each(['', 'a[', 'a]', 'a.', '.a', 'a..b', 'a b', 'a[]', "a['']", "a['b", 'a[1', 'a[b]', '[0]', "a'b'"])(
  '%j is refused',
  (expression) => {
    expect(() => propertyPath(expression)).toThrow(expect.objectContaining({ code: 'INVALID_EXPR' }))
    agrees(expression)
  },
)
