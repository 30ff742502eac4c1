import type { Command, Flags } from './command.ts'

const YES: Flags = { yes: { type: 'boolean', short: 'y', help: 'Does not ask' } }
const FORCE: Flags = {
  force: { type: 'boolean', short: 'f', help: 'Also where a device that does not listen will write over it' },
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
]
