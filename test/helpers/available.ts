import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The first of these programs that the PATH has, as a full path. */
function onPath(...names: string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where the real servers and the browser are; `undefined` where this machine has none. */
export const programs: Readonly<Record<'mosquitto' | 'nats-server' | 'chromium', string | undefined>> = {
  mosquitto: onPath('mosquitto'),
  'nats-server': onPath('nats-server'),
  chromium: onPath('chromium', 'chromium-browser'),
}

/** For `describe.skipIf(!mosquittoAvailable)`. */
export const mosquittoAvailable: boolean = programs.mosquitto !== undefined
/** For `describe.skipIf(!natsAvailable)`. */
export const natsAvailable: boolean = programs['nats-server'] !== undefined
/** For `describe.skipIf(!chromiumAvailable)`. */
export const chromiumAvailable: boolean = programs.chromium !== undefined
