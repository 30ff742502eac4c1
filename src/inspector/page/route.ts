import { type Signal, signal } from '@preact/signals'

/** What the page shows. It is in the address, so that reload and back work. */
export type Route =
  | { readonly page: 'pools' | 'charts' | 'doctor' | 'transfer' }
  | { readonly page: 'pool'; readonly name: string; readonly tab: 'variables' | 'history' }

export const route: Signal<Route> = signal(routeIn(location.hash))
addEventListener('hashchange', () => {
  route.value = routeIn(location.hash)
})

export function routeIn(hash: string): Route {
  const [page, name, tab] = hash.replace(/^#\/?/, '').split('/')
  if (page === 'pool' && name) return { page, name: decoded(name), tab: tab === 'history' ? 'history' : 'variables' }
  if (page === 'charts' || page === 'doctor' || page === 'transfer') return { page }
  return { page: 'pools' }
}

export function addressOf(target: Route): string {
  if (target.page === 'pools') return '#/'
  if (target.page !== 'pool') return `#/${target.page}`
  return `#/pool/${encodeURIComponent(target.name)}${target.tab === 'history' ? '/history' : ''}`
}

export function go(target: Route): void {
  location.hash = addressOf(target)
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
