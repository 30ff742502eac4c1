import { PersistError } from './runtime/errors.ts'

const ENTRY = JSON.stringify('persist-mqtt/auto')

/** What `require()` of the entry `auto` gets: it cannot wait until the variables are here. The type tells so, too. */
const pt: 'use import() in the place of require(), which cannot wait for the variables' = refused()

export default pt

function refused(): never {
  throw new PersistError(
    'ERR_PERSIST_NOT_READY',
    `require(${ENTRY}) cannot wait until the variables are here. Write (await import(${ENTRY})).default, ` +
      'import it in an ES module (a file .mjs, or "type": "module"), or use createStore() of persist-mqtt.',
  )
}
