import type { EventEmitter } from 'node:events'
import type { Client } from 'aedes'

/** What is forgotten of a session: the part of Aedes' persistence that keeps it. */
export interface SessionKeeper {
  cleanSubscriptions(client: { id: string }): Promise<void>
  cleanIncoming(client: { id: string }): Promise<void>
  outgoingStream(client: { id: string }): AsyncIterable<object>
  outgoingClearMessageId(client: { id: string }, packet: object): Promise<unknown>
}

/**
 * Forgets the sessions of clients that have been away longest, where there are more than so many: Aedes keeps them for
 * ever, and a client could come with a new id each time (MQTT 3.1.1, 4.1: a session may be discarded by policy).
 */
export function limitAwaySessions(aedes: EventEmitter, persistence: SessionKeeper, most: number): void {
  /** By client id; the oldest first. */
  const away = new Set<string>()
  aedes.on('client', ({ id }: Client) => away.delete(id))
  aedes.on('clientDisconnect', ({ id, clean }: Client) => {
    if (clean) return
    away.add(id)
    const [oldest] = away
    if (away.size <= most || oldest === undefined) return
    away.delete(oldest)
    forget(persistence, oldest).catch((error: unknown) => aedes.emit('error', error))
  })
}

async function forget(persistence: SessionKeeper, id: string): Promise<void> {
  await persistence.cleanSubscriptions({ id })
  await persistence.cleanIncoming({ id })
  for await (const packet of persistence.outgoingStream({ id }))
    await persistence.outgoingClearMessageId({ id }, packet)
}
