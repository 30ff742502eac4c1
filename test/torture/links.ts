import { setTimeout as pause } from 'node:timers/promises'
import { type FaultProxy, startFaultProxy } from '../helpers/fault-proxy.ts'
import type { Node } from './brokers.ts'
import { type Fault, LINKS, type Link, type LinkFaultKind } from './schedule.ts'

/** The way of each of the four to the broker, and what can be wrong with it. */
export type Links = Readonly<Record<Link, FaultProxy>>

/** Each leads to another node; where that is down, to the next one that is up. */
export async function startLinks(nodes: readonly Node[], down: ReadonlySet<Node>): Promise<Links> {
  const proxies = LINKS.map(async (link, index) => {
    const inTurn = nodes.map((_node, turn) => nodes[(index + turn) % nodes.length] as Node)
    const target = () => inTurn.find((node) => !down.has(node)) ?? (inTurn[0] as Node)
    return [link, await startFaultProxy(target)] as const
  })
  return Object.fromEntries(await Promise.all(proxies)) as Record<Link, FaultProxy>
}

/** Breaks a link for a while; resolves when it is whole again. */
export async function breakLink(links: Links, fault: Fault & { kind: LinkFaultKind }): Promise<void> {
  const link = links[fault.link]
  switch (fault.kind) {
    case 'cut':
      return link.cut()
    case 'half-open':
      link.freeze(fault.amount === 0 ? 'up' : 'down')
      break
    case 'freeze':
      link.freeze('up', 'down')
      break
    case 'delay':
      link.delay(fault.amount)
      break
    case 'throttle':
      link.throttle(fault.amount)
      break
    default:
      link.cutAfterPublish()
  }
  await pause(fault.forMs)
  // What was sent into a half-open connection never arrives.
  if (fault.kind === 'half-open') link.cut()
  link.heal()
}
