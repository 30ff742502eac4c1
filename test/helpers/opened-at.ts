import { onTestFinished } from 'vitest'
import {
  type Editor,
  type EditorOptions,
  type JsonObject,
  openEditor,
  openStore,
  type Store,
  type StoreOptions,
} from '../../src/index.ts'
import type { VariablesOf } from '../../src/store/members.ts'
import { withoutRevision } from './bytes.ts'
import { type DelayProxy, startDelayProxy } from './delay-proxy.ts'
import { retainedAt } from './mqtt-client.ts'
import type { RunningBroker } from './running-broker.ts'

/** A store at a real broker; closed with the test. */
export async function openedAt<T extends VariablesOf<T> = JsonObject>(
  url: string,
  options: StoreOptions<T> = {},
): Promise<Store<T>> {
  const pt = await openStore<T>({ url, name: 'garage', saveOnExit: false, ...options } as StoreOptions<T>)
  const close = () => (pt as Store).$close().catch(() => {})
  onTestFinished(close)
  // Tests know what they have put there.
  return pt as Store<never> as Store<T>
}

/** An editor at a real broker; closed with the test. */
export async function editedAt<T extends VariablesOf<T> = JsonObject>(
  url: string,
  options: EditorOptions = {},
): Promise<Editor<T>> {
  const editor = await openEditor<T>({ url, name: 'garage', ...options })
  onTestFinished(() => editor.close())
  return editor
}

/** The pool that another client finds at the broker; `undefined` where there is none. */
export async function poolAt(url: string, name = 'garage'): Promise<unknown> {
  const packet = await retainedAt(url, `stat/${name}/PersistMQTT`)
  return packet && JSON.parse(withoutRevision(packet.payload.toString()))
}

/** The broker that is being started; stopped with the test. */
export async function running<Broker extends RunningBroker>(starting: Promise<Broker>): Promise<Broker> {
  const broker = await starting
  onTestFinished(() => broker.stop())
  return broker
}

/** A proxy before a broker; closed with the test. */
export async function proxied(url: string): Promise<DelayProxy> {
  const proxy = await startDelayProxy({ target: url })
  onTestFinished(() => proxy.close())
  return proxy
}
