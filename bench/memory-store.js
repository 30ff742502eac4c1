// @ts-check
import { openStore } from 'persist-mqtt/memory'

let count = 0

/**
 * A name under which this process's memory holds a pool.
 * @param {object} pool
 */
export async function heldPool(pool) {
  const name = `bench-${++count}`
  const pt = await openStore({ name, saveOnExit: false })
  Object.assign(pt, pool)
  await pt.save()
  await pt.$close()
  return name
}

/**
 * A store over such a pool: what is left of a store when sending takes no time.
 * @param {string} name
 */
export function storeOf(name) {
  return openStore({ name, saveOnExit: false })
}

/**
 * Is there something that the next save would send?
 * @param {import('persist-mqtt').StoreMembers} pt
 */
export function unsaved(pt) {
  const status = pt.$status
  return status.state === 'ready' && status.unsaved
}
