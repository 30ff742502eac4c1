import { PersistError, reasonOf } from '../runtime/errors.ts'
import type { ConnectionSettings } from './connection.ts'
import type { ConnectionFailure, ConnectionLost } from './failure.ts'
import { codeText, reasonFor } from './reason-codes.ts'
import { type Endpoint, isSecure, isWebSocket } from './transport/endpoint.ts'
import type { Meaning } from './transport/transport.ts'

/** CONNACK: 1 to 5 in MQTT 3.1.1 (3.2.2.3), from 0x80 on in MQTT 5 (3.2.2.2). */
function refusal(code: number, { username, protocolVersion, clientId }: ConnectionSettings): Meaning {
  const login =
    username === undefined
      ? 'Set the options username and password.'
      : `Check the password of user '${username}', and whether that user may connect.`
  switch (code) {
    case 0x01:
    case 0x84:
      return {
        what: `it does not speak MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}`,
        advice: "Set the option protocolVersion to 'auto'.",
      }
    case 0x04:
    case 0x86:
      return { code: 'ERR_PERSIST_DENIED', what: 'user name or password are wrong', advice: login }
    case 0x05:
    case 0x87:
      return { code: 'ERR_PERSIST_DENIED', what: 'this user is not authorized', advice: login }
    case 0x02:
    case 0x85:
      return {
        code: 'ERR_PERSIST_DENIED',
        what: `it does not take the client id ${clientId}`,
        advice: 'Set the option clientId to one that it takes.',
      }
    case 0x8a:
      return { code: 'ERR_PERSIST_DENIED', what: 'this client is banned', advice: 'Ask who runs the broker.' }
    case 0x8c:
      return { code: 'ERR_PERSIST_DENIED', what: 'it wants another way to log in', advice: login }
    case 0x03:
    case 0x88:
    case 0x89:
      return { what: 'it is not available or too busy now', advice: 'Try again later.' }
    default:
      return reasonFor(code) ?? { what: 'it refuses this client', advice: 'Its log may say why.' }
  }
}

function network(
  { error, errorCode, meaning }: Extract<ConnectionFailure, { kind: 'network' }>,
  { endpoint, tls }: ConnectionSettings,
): Meaning {
  if (meaning !== undefined) return meaning
  if (errorCode === 'ECONNRESET' || errorCode === 'EPIPE') return closed(endpoint, tls)
  if (errorCode !== undefined || !isWebSocket(endpoint)) return { what: reasonOf(error), advice: '' }
  return {
    what: `no WebSocket could be opened there (${reasonOf(error)})`,
    advice: 'Check port and path in option url: brokers have a listener of its own for WebSocket.',
  }
}

function closed(endpoint: Endpoint, tls: ConnectionSettings['tls']): Meaning {
  const certificate =
    tls?.cert !== undefined
      ? 'does it accept this client certificate?'
      : 'if it wants a client certificate, pass tls.cert and tls.key.'
  return {
    what: 'it closed the connection without an answer (no CONNACK came)',
    advice: isSecure(endpoint)
      ? `Its log may say why; ${certificate}`
      : 'Is that the port for MQTT without TLS? Others need mqtts:, ws: or wss: in option url.',
  }
}

function explain(failure: ConnectionFailure, settings: ConnectionSettings): Meaning {
  switch (failure.kind) {
    case 'refused':
    case 'disconnect':
      return refusal(failure.code, settings)
    case 'network':
      return network(failure, settings)
    case 'garbage': {
      const start = String.fromCharCode(...failure.start).split(/[^ -~]/)[0] ?? ''
      const received = start.length > 3 ? `; it sent "${start}"` : `: ${reasonOf(failure.error)}`
      const hint = start.startsWith('HTTP/') ? 'That is a web server. ' : ''
      return {
        what: `what answers there is no MQTT broker${received}`,
        advice: `${hint}Check port and protocol in option url.`,
      }
    }
    case 'malformed':
      return {
        what: `what it sent is no MQTT: ${reasonOf(failure.error)}`,
        advice: 'Please report this, with its name.',
      }
    case 'settings':
      return (
        failure.meaning ?? {
          code: 'ERR_PERSIST_OPTION',
          what: `the connection could not be set up (${reasonOf(failure.error)})`,
          advice: '',
        }
      )
    default:
      return closed(settings.endpoint, settings.tls)
  }
}

/**
 * Why no connection was made: ERR_PERSIST_CONNECT, _DENIED or _OPTION.
 *
 * @param triedMs for how long it was tried again and again
 */
export function connectError(
  failure: ConnectionFailure,
  storeName: string,
  settings: ConnectionSettings,
  triedMs?: number,
): PersistError {
  const { code = 'ERR_PERSIST_CONNECT', what, advice } = explain(failure, settings)
  const received = receivedIn(failure)
  const shown = 'code' in failure ? codeText(failure.code, failure.reasonString) : received
  const tried = triedMs === undefined ? '' : `, tried for ${Math.round(triedMs)} ms`
  return new PersistError(
    code,
    `Store ${storeName}: no connection to the broker, ${what}${shown === undefined ? '' : ` (${shown})`}${tried}. ${advice}`.trimEnd(),
    {
      store: storeName,
      ...(received !== undefined && { received }),
      ...('error' in failure && { cause: failure.error }),
    },
  )
}

/** Why a connection of a store has ended that worked; the store makes it again. */
export function lostError(failure: ConnectionFailure, storeName: string): PersistError {
  return lost(failure, storeName, `Store ${storeName}: the connection was lost`, 'It is being made again.')
}

/**
 * Why the connections of a store do not last; the store makes them again, ever more slowly.
 *
 * @param given the client id that was asked for; without, it is random
 */
export function sameClientIdError(storeName: string, given: string | undefined): PersistError {
  const own =
    given === undefined
      ? 'user of its own, if the broker takes its name for the client id (Mosquitto: use_username_as_clientid)'
      : 'clientId of its own'
  return new PersistError(
    'ERR_PERSIST_CONNECT',
    `Store ${storeName}: another client has the same client id, and the broker ends the connection of one when the other ` +
      `comes. Give each program a ${own}.`,
    { store: storeName },
  )
}

/** Why a connection has ended that is for no one store; nobody makes it again. */
export function lostConnection(place: string, { failure }: ConnectionLost): PersistError {
  return lost(failure, place, `The connection to ${place} was lost`, 'Try again.')
}

function lost(failure: ConnectionFailure, storeName: string, what: string, then: string): PersistError {
  const received = receivedIn(failure)
  const why = {
    settings: '',
    refused: '',
    ended: '',
    closed: ': the broker closed it',
    silent: ': the broker did not answer any more (no PINGRESP)',
    network: `: ${'error' in failure ? reasonOf(failure.error) : ''}`,
    garbage: ': what came was no MQTT',
    malformed: `: what the broker sent is no MQTT, ${'error' in failure ? reasonOf(failure.error) : ''}`,
    disconnect: 'code' in failure ? disconnectText(failure.code, failure.reasonString) : '',
  }[failure.kind]
  return new PersistError('ERR_PERSIST_CONNECT', `${what}${why}. ${then}`, {
    store: storeName,
    ...(received !== undefined && { received }),
    ...('error' in failure && { cause: failure.error }),
  })
}

function disconnectText(code: number, reasonString: string | undefined): string {
  const { what, advice } = reasonFor(code) ?? { what: 'the broker ended it', advice: '' }
  return `: ${what} (DISCONNECT ${codeText(code, reasonString)}). ${advice}`.replace(/\.?\s*$/, '')
}

function receivedIn(failure: ConnectionFailure): string | number | undefined {
  if ('code' in failure) return failure.code
  return failure.kind === 'network' ? failure.errorCode : undefined
}
