import type { ClientEvent } from '../broker/client-events.ts'
import { counted, printable, safeJson } from './print.ts'

/** What happens at a broker. */
export type BrokerEvent =
  | {
      readonly event: 'started'
      readonly url: string
      readonly webSocketUrl: string
      readonly host: string
      readonly directory: string
      readonly restored: number
    }
  | ({ readonly event: ClientEvent['kind'] } & Omit<ClientEvent, 'kind'>)
  | { readonly event: 'warning' | 'stopped'; readonly text: string }

/** One line of a broker's log. Clients choose their ids and names, so control characters in them are escaped. */
export function logLine(event: BrokerEvent, at: Date, isJson: boolean): string {
  const time = at.toISOString()
  if (isJson) return safeJson(JSON.stringify({ time, ...event }))
  return `${time} ${event.event.padEnd(12)} ${printable(textOf(event))}`
}

function textOf(event: BrokerEvent): string {
  if (event.event === 'started') {
    const { url, webSocketUrl, host, directory, restored } = event
    // The URL is one for programs on this machine; the host may be another one, such as 0.0.0.0.
    const where = new URL(url).hostname.replace(/^\[|\]$/g, '') === host ? '' : ` on ${host}`
    return `${url} and ${webSocketUrl}${where}, ${counted(restored, 'retained message')} in ${directory}`
  }
  if ('text' in event) return event.text
  const { clientId, username, address, reason } = event
  const who = clientId === '' ? 'a client' : clientId
  const parts = [who, username !== undefined && `as ${username}`, address !== undefined && `from ${address}`]
  return parts.filter(Boolean).join(' ') + (reason === undefined ? '' : `: ${reason}`)
}
