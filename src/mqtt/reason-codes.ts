import { hex } from './codec/hex.ts'

/** What a broker means by a reason code (MQTT 5, 2.4), as the end of a sentence, and what to do about it. */
export interface Reason {
  readonly what: string
  readonly advice: string
}

const REASONS: { readonly [code: number]: Reason } = {
  129: { what: 'it could not read a packet of ours', advice: 'Please report this, with the name of the broker.' },
  130: { what: 'a packet of ours is not what it expected', advice: 'Please report this, with the name of the broker.' },
  135: { what: 'this user is not authorized', advice: 'Give the user the permission, at the broker.' },
  137: { what: 'it is too busy now', advice: 'Try again later.' },
  139: { what: 'it is shutting down', advice: 'Try again later.' },
  141: { what: 'it has not heard this client for too long', advice: 'Is this process busy or suspended for minutes?' },
  142: {
    what: 'another client has connected with the same client id',
    advice: 'Give each program a client id of its own; does the broker take the user name for it?',
  },
  143: { what: 'it does not take such a topic', advice: 'Use another name, or another topic.' },
  144: { what: 'it does not take such a topic', advice: 'Use another name, or another topic.' },
  147: { what: 'it got more messages at once than it takes', advice: 'Raise its receive maximum.' },
  149: {
    what: 'the message is too large for it',
    advice: 'Remove variables, or raise the limit at the broker (Mosquitto: max_packet_size, message_size_limit).',
  },
  150: { what: 'messages came too fast for it', advice: 'Save less often, or raise its rate limit.' },
  151: {
    what: 'a quota at the broker is used up',
    advice: 'Raise the quota at the broker, or delete what is kept there.',
  },
  152: { what: 'somebody ended this connection at the broker', advice: 'Ask who runs the broker.' },
  154: {
    what: 'it keeps no retained messages',
    advice: 'Switch retained messages on (Mosquitto: retain_available true).',
  },
  155: { what: 'it takes no messages at QoS 1', advice: 'Allow QoS 1 at the broker (Mosquitto: max_qos 1).' },
  156: { what: 'it wants this client at another server', advice: 'Use the url of that one.' },
  157: { what: 'it wants this client at another server', advice: 'Use the url of that one.' },
  159: { what: 'connections come too fast for it', advice: 'Try again later.' },
  162: { what: 'it takes no subscriptions with wildcards', advice: 'Allow them at the broker.' },
}

/** Undefined for a code that says no more than its number. */
export function reasonFor(code: number): Reason | undefined {
  return REASONS[code]
}

/** The code, and what the broker itself says of it, for people: `0x97, "quota of ann"`. */
export function codeText(code: number, reasonString: string | undefined): string {
  return reasonString === undefined || reasonString === '' ? hex(code) : `${hex(code)}, ${JSON.stringify(reasonString)}`
}
