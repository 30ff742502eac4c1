import { onTestFinished } from 'vitest'
import { type AedesServer, startAedes } from './aedes.ts'

/** A broker that delivers messages as RabbitMQ does: under a topic in which `.` has become `/`; ends with the test. */
export async function brokerChangingTopics(): Promise<AedesServer> {
  const broker = await startAedes({
    authorizeForward: (_client, packet) => ({ ...packet, topic: packet.topic.replaceAll('.', '/') }),
  })
  onTestFinished(() => broker.stop())
  return broker
}
