import type { Integration, SideTopics } from '../contracts/integration.ts'
import { encodeText } from '../format/bytes.ts'
import { PersistError, reasonOf } from '../runtime/errors.ts'
import type { ProxiedStore } from '../store/proxy.ts'

/** MQTT 5, 1.5.4: a string has 65,535 bytes at most. */
const TOPIC_LIMIT_BYTES = 65_535

/** Attaches a store's integrations, and returns their topics; reports what one of them throws, and goes on with the others. */
export function attachIntegrations({ pt, core }: ProxiedStore): SideTopics[] {
  return core.context.options.integrations.flatMap((integration) => {
    const failed = (thrown: unknown) => reportFailure(core, integration, thrown)
    try {
      return guarded(integration.attach(pt, core.context.options), failed)
    } catch (thrown) {
      failed(thrown)
      return []
    }
  })
}

/** The same topics, whose functions throw nothing. */
function guarded(side: SideTopics, failed: (thrown: unknown) => void): SideTopics {
  const topics = [...side.topics]
  topics.forEach(assertTopic)
  const attempt = async (work: () => unknown) => {
    try {
      await work()
    } catch (thrown) {
      failed(thrown)
    }
  }
  return {
    topics,
    received: (message) => void attempt(() => side.received(message)),
    linked: (publish) => {
      const checked: typeof publish = (topic, text) => {
        assertTopic(topic)
        publish(topic, text)
      }
      void attempt(() => side.linked(checked))
    },
  }
}

/** An invalid topic would keep the store from opening the pool, or have the broker close the connection. */
function assertTopic(topic: unknown): void {
  const isTopic = typeof topic === 'string' && /^[^+#\0]+$/.test(topic) && encodeText(topic).length <= TOPIC_LIMIT_BYTES
  if (!isTopic) throw new TypeError(`${JSON.stringify(topic)} is no MQTT topic without wildcards`)
}

/** Waits until the store is open, and a program that awaits it can listen. */
function reportFailure(core: ProxiedStore['core'], { name }: Integration, cause: unknown): void {
  const store = core.context.storeName
  const text = `The integration ${name} of store ${store} has failed: ${reasonOf(cause)}.`
  const error = new PersistError('ERR_PERSIST_FAILED', text, { store, cause })
  void core.exec(() => setTimeout(() => core.context.report(error)))
}
