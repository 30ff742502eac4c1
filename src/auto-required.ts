import { PersistError } from './runtime/errors.ts'

/** What `require('persist-mqtt/auto')` gets: require() cannot wait until the variables are here. Its type tells so, too. */
const pt: "require() cannot wait for the variables: use await import('persist-mqtt/auto')" = refused()

export default pt

function refused(): never {
  throw new PersistError(
    'ERR_PERSIST_NOT_READY',
    "require('persist-mqtt/auto') cannot wait until the variables are here. Write (await import('persist-mqtt/auto')).default, " +
      'import it in an ES module (a file .mjs, or "type": "module"), or use createStore() of persist-mqtt.',
  )
}
