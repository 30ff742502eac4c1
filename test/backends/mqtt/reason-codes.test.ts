import { describe, expect, test } from 'vitest'
import { type Behaviour, type Peer, startScriptedServer, welcoming } from '../../mqtt/scripted-server.ts'
import { errorOf, openBackend, openingError } from './fixture.ts'

/** What each means to whoever reads the error. */
const MEANINGS: readonly [code: number, text: RegExp][] = [
  [0x87, /not authorized|permission/],
  [0x8e, /another client has connected with the same client id/],
  [0x95, /too (large|many)/],
  [0x97, /a quota at the broker is used up/],
  [0x9a, /keeps no retained messages/],
  [0x9b, /takes no messages at QoS 1/],
]

/** What the broker itself says of it. */
const properties = { reasonString: 'the rule of the house' }

const isFence = ({ payload }: { payload?: Uint8Array }) => String(payload).includes('persist-mqtt fence')

/** A broker that grants, acknowledges and sends back everything. */
const friendly: Behaviour = (packet, peer) => {
  const { cmd, messageId } = packet
  if (cmd === 'subscribe') peer.send({ cmd: 'suback', messageId, granted: packet.subscriptions.map(() => 1) })
  if (cmd === 'unsubscribe') peer.send({ cmd: 'unsuback', messageId, granted: [0] })
  if (cmd !== 'publish') return
  peer.send({ cmd: 'puback', messageId }, { ...packet, qos: 0, retain: false })
}

/** A broker that answers a message which is no fence in its own way. */
async function atWrite(answer: (peer: Peer, messageId: number | undefined) => void) {
  const { url } = await startScriptedServer(
    5,
    welcoming({}, (packet, peer) => {
      if (packet.cmd === 'publish' && !isFence(packet)) answer(peer, packet.messageId)
      else friendly(packet, peer)
    }),
  )
  const { write } = await openBackend({ url, protocolVersion: 5 })
  return errorOf(write('{"a":1}'))
}

describe.each(MEANINGS)('reason code %i', (code, text) => {
  const hexCode = `0x${code.toString(16)}`

  const expectTold = (error: Error & { code: string }) => {
    expect(error.message).toMatch(text)
    expect(error.message).toContain(`${hexCode}, "the rule of the house"`)
    expect(error.code).toMatch(/^ERR_PERSIST_(DENIED|CONNECT|TOO_LARGE)$/)
  }

  test('in CONNACK', async () => {
    const { url } = await startScriptedServer(5, (_packet, peer) => {
      peer.send({ cmd: 'connack', reasonCode: code, sessionPresent: false, properties })
    })
    expectTold(await openingError({ url, protocolVersion: 5 }))
  })

  test('in SUBACK', async () => {
    const { url } = await startScriptedServer(
      5,
      welcoming({}, (packet, peer) => {
        const { cmd, messageId } = packet
        if (cmd !== 'subscribe') friendly(packet, peer)
        else peer.send({ cmd: 'suback', messageId, granted: packet.subscriptions.map(() => code), properties })
      }),
    )
    expectTold(await openingError({ url, protocolVersion: 5 }))
  })

  test('in PUBACK', async () => {
    const error = await atWrite((peer, messageId) =>
      peer.send({ cmd: 'puback', messageId, reasonCode: code, properties }),
    )
    expectTold(error)
  })

  test('in DISCONNECT', async () => {
    expectTold(await atWrite((peer) => peer.send({ cmd: 'disconnect', reasonCode: code, properties })))
  })
})
