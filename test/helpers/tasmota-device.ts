import { connectAsync } from 'mqtt'
import { onTestFinished } from 'vitest'
import { retainedAt } from './mqtt-client.ts'
import { waitFor } from './wait.ts'

/** A Tasmota device with the module persist_mqtt, as it looks from outside. */
export interface TasmotaDevice {
  /** What its next save writes, whatever anybody has written meanwhile. */
  save(text: string): Promise<void>
  switchOff(): Promise<void>
}

/**
 * Simulates a device: it says that it is online (retained, with a will) and writes its pool, both at QoS 0, and does not
 * listen.
 *
 * As recorded from the Tasmota module persist_mqtt; see docs/from-tasmota.md.
 */
export async function startDevice(url: string, name: string, text: string): Promise<TasmotaDevice> {
  const lwt = `tele/${name}/LWT`
  const will = { topic: lwt, payload: Buffer.from('Offline'), qos: 1 as const, retain: true }
  const client = await connectAsync(
    url,
    { protocolVersion: 4, reconnectPeriod: 0, clientId: `DVES_${name}`, will },
    false,
  )
  client.on('error', () => {})
  onTestFinished(() => void client.end(true))
  const save = async (pool: string) => {
    await client.publishAsync(`stat/${name}/PersistMQTT`, pool, { qos: 0, retain: true })
    await client.publishAsync(lwt, 'Online', { qos: 0, retain: true })
    // At QoS 0 nothing says that the broker has it; this comes after it.
    await client.publishAsync(`tele/${name}/STATE`, '{}', { qos: 1 })
  }
  await save(text)
  await waitFor(() => retainedAt(url, lwt), { what: 'the device to be seen online' })
  return { save, switchOff: () => client.endAsync(true) }
}
