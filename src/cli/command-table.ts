import type { Command, Flags } from './command.ts'

const YES: Flags = { yes: { type: 'boolean', short: 'y', help: 'Does not ask' } }
const FORCE: Flags = {
  force: { type: 'boolean', short: 'f', help: 'Also where a device that does not listen will write over it' },
}
const TO_URL: Flags = { 'to-url': { type: 'string', value: 'URL', help: 'The broker to bring it to' } }
const REPLACE: Flags = {
  force: {
    type: 'boolean',
    short: 'f',
    help: 'Replaces a pool that is there, also that of a device that does not listen',
  },
}

/** Everything that `persist-mqtt` can do; a command's code is loaded when it is called. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'ls',
    usage: '[NAME…]',
    summary: 'Lists every pool on the broker',
    least: 0,
    most: Number.POSITIVE_INFINITY,
    flags: {},
    isConnected: true,
    load: async () => (await import('./commands/ls.ts')).ls,
  },
  {
    name: 'get',
    usage: 'NAME [VARIABLE[.PATH]]',
    summary: 'Prints a pool, or one value',
    least: 1,
    most: 2,
    flags: {},
    isConnected: true,
    load: async () => (await import('./commands/get.ts')).get,
  },
  {
    name: 'set',
    usage: 'NAME VARIABLE[.PATH] VALUE',
    summary: 'Changes a value',
    details:
      'VALUE is JSON; what is no JSON is a string. Write "5" with its quotes for the string 5:\n\n  persist-mqtt set garage limits.low \'"5"\'',
    least: 3,
    most: 3,
    flags: FORCE,
    isConnected: true,
    load: async () => (await import('./commands/set.ts')).set,
  },
  {
    name: 'rm',
    usage: 'NAME VARIABLE[.PATH]',
    summary: 'Removes a variable, or what is at a path in it',
    least: 2,
    most: 2,
    flags: FORCE,
    isConnected: true,
    load: async () => (await import('./commands/rm.ts')).rm,
  },
  {
    name: 'inc',
    usage: 'NAME VARIABLE [BY]',
    summary: 'Adds 1, or BY, to a number',
    least: 2,
    most: 3,
    flags: FORCE,
    isConnected: true,
    load: async () => (await import('./commands/inc.ts')).inc,
  },
  {
    name: 'zero',
    usage: 'NAME',
    summary: 'Makes a pool empty',
    least: 1,
    most: 1,
    flags: { ...YES, ...FORCE },
    isConnected: true,
    load: async () => (await import('./commands/zero.ts')).zero,
  },
  {
    name: 'delete',
    usage: 'NAME',
    summary: 'Removes a pool from the broker',
    least: 1,
    most: 1,
    flags: { ...YES, ...FORCE },
    isConnected: true,
    load: async () => (await import('./commands/delete.ts')).deletePool,
  },
  {
    name: 'diff',
    usage: 'A B',
    summary: 'Compares two pools, or a pool and a backup',
    details:
      'A and B are names of pools, or backups: FILE.json, or FILE.json#NAME for one of\nseveral pools in it. The exit code is 0 where there is no difference, else 1.',
    least: 2,
    most: 2,
    flags: {},
    isConnected: true,
    load: async () => (await import('./commands/diff.ts')).diff,
  },
  {
    name: 'export',
    usage: '[NAME…]',
    summary: 'Makes a backup of all pools, or some',
    details: 'docs/backup.md describes the format. A backup that may lack something says so, and\nthe exit code is 1.',
    least: 0,
    most: Number.POSITIVE_INFINITY,
    flags: {
      output: { type: 'string', short: 'o', value: 'FILE', help: 'Where to write it. Default: the standard output' },
    },
    isConnected: true,
    load: async () => (await import('./commands/export.ts')).exportPools,
  },
  {
    name: 'import',
    usage: 'FILE',
    summary: 'Restores pools from a backup',
    details:
      'Shows what would change, and asks. Pools become as they are in the backup: variables\nthat are not in it are removed. FILE can be - for the standard input.',
    least: 1,
    most: 1,
    flags: {
      only: { type: 'string', multiple: true, value: 'NAME', help: 'Only this pool; may be given several times' },
      'dry-run': { type: 'boolean', help: 'Shows what would change, and changes nothing' },
      ...YES,
      ...FORCE,
    },
    isConnected: true,
    load: async () => (await import('./commands/import.ts')).importPools,
  },
  {
    name: 'copy',
    usage: 'FROM [TO]',
    summary: 'Copies a pool to another name, or another broker',
    least: 1,
    most: 2,
    flags: { ...TO_URL, ...REPLACE },
    isConnected: true,
    load: async () => (await import('./commands/copy.ts')).copy,
  },
  {
    name: 'move',
    usage: 'FROM [TO]',
    summary: 'Moves a pool to another name, or another broker',
    least: 1,
    most: 2,
    flags: { ...TO_URL, ...REPLACE },
    isConnected: true,
    load: async () => (await import('./commands/copy.ts')).move,
  },
]
