import type { Integration, SideTopics } from '../contracts/integration.ts'
import { encodeText } from '../format/bytes.ts'
import { PersistError, reasonOf } from '../runtime/errors.ts'
import type { ProxiedStore } from '../store/proxy.ts'

/** MQTT 5, 1.5.4: a string has 65,535 bytes at most. */
const TOPIC_LIMIT_BYTES = 65_535

/** Attaches a store's integrations, and returns their topics; what one of them throws is told, and stops no other. */
export function attachIntegrations({ pt, core }: ProxiedStore): SideTopics[] {
  return core.context.options.integrations.flatMap((integration) => {
    const failed = (thrown: unknown) => tell(core, integration, thrown)
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

/** A topic that cannot be sent would hold up the opening of the pool, or end its connection. */
function assertTopic(topic: unknown): void {
  const isTopic = typeof topic === 'string' && /^[^+#\0]+$/.test(topic) && encodeText(topic).length <= TOPIC_LIMIT_BYTES
  if (!isTopic) throw new TypeError(`${JSON.stringify(topic)} is no MQTT topic without wildcards`)
}

/** Not before the store is open, and whoever awaits that has had a chance to listen. */
function tell(core: ProxiedStore['core'], { name }: Integration, cause: unknown): void {
  const store = core.context.storeName
  const text = `The integration ${name} of store ${store} has failed: ${reasonOf(cause)}.`
  const error = new PersistError('ERR_PERSIST_FAILED', text, { store, cause })
  void core.exec(() => setTimeout(() => core.context.report(error)))
}
