import { expectTypeOf, test } from 'vitest'
import { useStore, useVariable } from '../../src/adapters/react.ts'
import { createStore } from '../../src/memory.ts'

interface Pool {
  target: number
  rooms: { kitchen: number }
}

test('the hooks have the types of the variables', () => {
  const pt = createStore<Pool>({ name: 'typed' })
  // Only compiled: hooks are for components.
  const Component = () => {
    const [target, setTarget] = useVariable(pt, 'target')
    expectTypeOf(target).toEqualTypeOf<number | undefined>()
    setTarget((now = 0) => now + 1)
    // @ts-expect-error a text is no number
    setTarget('x')
    // @ts-expect-error there is no such variable
    useVariable(pt, 'targets')
    expectTypeOf(useStore(pt).rooms).toEqualTypeOf<{ kitchen: number } | undefined>()
    const loose = createStore({ name: 'loose' })
    const [anything] = useVariable(loose, 'whatever')
    return anything
  }
  expectTypeOf(Component).toBeFunction()
  void pt.$close()
})
