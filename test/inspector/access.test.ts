import { type IncomingMessage, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { describe, expect, test } from 'vitest'
import { mosquittoAvailable } from '../helpers/available.ts'
import { makeCertificates } from '../helpers/certificates.ts'
import { waitFor } from '../helpers/wait.ts'
import { inspected, startOn } from './inspector.ts'

/** Asks with headers that fetch() would not let anybody set. */
function asked(origin: string, path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin)
    const outgoing = request({ hostname, port, path, headers, method }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

describe.skipIf(!mosquittoAvailable)('who is let in', () => {
  test('nobody is let in without the token; with it, a browser that keeps a cookie', async () => {
    const { origin, page, inspector, get } = await inspected({ garage: '{}' })
    const token = new URL(inspector.url).search
    for (const place of [`${origin}/`, page, `${origin}/${'x'.repeat(24)}/`])
      for (const path of ['api/pools/garage', 'api/live', 'api/backup', 'api/nothing']) {
        expect((await fetch(place + path)).status).toBe(401)
        expect((await fetch(place + path + token)).status).toBe(401)
      }
    const first = await fetch(origin)
    expect([first.status, await first.text()]).toEqual([401, expect.stringContaining('?token=…')])
    expect((await fetch(`${origin}/?token=${'x'.repeat(32)}`)).status).toBe(401)
    const entered = await fetch(inspector.url, { redirect: 'manual' })
    const path = new URL(page).pathname
    expect(path).toMatch(/^\/[\w-]{24}\/$/)
    expect([entered.status, entered.headers.get('location')]).toEqual([303, path])
    const cookie = entered.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^persist-mqtt=[\w-]{32}; Path=\/[\w-]{24}\/; HttpOnly; SameSite=Strict$/)
    expect(cookie).toContain(`Path=${path};`)
    expect(cookie).not.toContain(token.slice(7))
    expect((await get('pools/garage')).status).toBe(200)
    expect((await fetch(page, { headers: { cookie } })).status).toBe(200)
    const forged = cookie.replace(/=.{4}/, '=AAAA')
    expect((await fetch(`${page}api/pools/garage`, { headers: { cookie: forged } })).status).toBe(401)
  })

  test('the cookie alone, which other servers on this host might get, lets nobody in', async () => {
    const { origin, cookie } = await inspected({ garage: '{}' })
    const headers = { cookie }
    for (const place of ['/', `/${'x'.repeat(24)}/`]) {
      expect((await fetch(`${origin}${place}api/pools/garage`, { headers })).status).toBe(401)
      const entrance = await fetch(origin + place, { headers })
      expect([entrance.status, await entrance.text()]).toEqual([401, expect.stringContaining('?token=…')])
      expect((await fetch(`${origin}${place}assets/index-1.js`, { headers })).status).toBe(404)
    }
  })

  test('every answer has a strict policy, and is not kept', async () => {
    const { page, cookie } = await inspected()
    for (const path of ['', 'api/search?q=x', 'nothing', 'assets/index-1.js']) {
      const { headers } = await fetch(page + path, { headers: { cookie } })
      const policy = headers.get('content-security-policy')
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      const caching = path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-store'
      expect(headers.get('cache-control')).toBe(caching)
    }
  })

  test('nobody is let in under a name that is none of its own (DNS rebinding)', async () => {
    const { origin, page, cookie } = await inspected({ garage: '{}' }, { names: ['shed.local'] })
    const { port, pathname } = new URL(page)
    const under = (host: string) => asked(origin, `${pathname}api/pools/garage`, { host, cookie })
    expect(await under(`evil.example:${port}`)).toBe(403)
    expect(await under(`127.0.0.1.evil.example:${port}`)).toBe(403)
    expect(await under(`localhost:${port}`)).toBe(200)
    expect(await under(`[::1]:${port}`)).toBe(200)
    expect(await under(`192.168.1.9:${port}`)).toBe(200)
    expect(await under(`SHED.local:${port}`)).toBe(200)
  })

  test('no request from another page is let in (forged requests)', async () => {
    const { origin, page, cookie, kept } = await inspected({ garage: '{}' })
    const { pathname } = new URL(page)
    const path = `${pathname}api/pools/garage/delete`
    const post = (headers: Record<string, string>) => asked(origin, path, { cookie, ...headers }, 'POST')
    expect(await post({})).toBe(403)
    expect(await post({ origin: 'null' })).toBe(403)
    expect(await post({ origin: 'https://evil.example' })).toBe(403)
    expect(await post({ origin: origin.replace(/\d+$/, '1') })).toBe(403)
    expect(await asked(origin, `${pathname}api/pools/garage`, { cookie, 'sec-fetch-site': 'same-site' })).toBe(403)
    expect(await asked(origin, `${pathname}api/pools/garage`, { cookie, 'sec-fetch-site': 'same-origin' })).toBe(200)
    expect(await kept('garage')).toBe('{}')
  })

  test('a server with a password does not ask for the token, and wrong passwords are slow', async () => {
    const { origin, inspector } = await inspected({}, { password: 'open sesame' })
    expect(inspector.url).toBe(`${origin}/`)
    const login = (password: string) =>
      fetch(`${origin}/login`, {
        method: 'POST',
        redirect: 'manual',
        headers: { origin },
        body: new URLSearchParams({ password }),
      })
    expect(await (await fetch(origin)).text()).toContain('type="password"')
    expect((await login('x'.repeat(20_000))).status).toBe(413)
    const start = performance.now()
    const wrong = await login('open')
    expect(performance.now() - start).toBeGreaterThan(900)
    expect([wrong.headers.get('location'), wrong.headers.get('set-cookie')]).toEqual(['/?wrong', null])
    const right = await login('open sesame')
    const cookie = right.headers.get('set-cookie') ?? ''
    const page = new URL(right.headers.get('location') ?? '', origin).href
    expect((await fetch(`${page}api/search?q=x`, { headers: { cookie } })).status).toBe(200)
  })

  test('wrong passwords keep nobody else waiting, and those of who has gone nobody at all', async () => {
    const { origin } = await inspected({}, { password: 'open sesame', host: '0.0.0.0' })
    const { port } = new URL(origin)
    const login = (password: string, localAddress = '127.0.0.1') => {
      const host = `${localAddress}:${port}`
      const headers = { host, origin: `http://${host}` }
      const outgoing = request({ host: localAddress, localAddress, port, path: '/login', method: 'POST', headers })
      outgoing.on('error', () => {})
      outgoing.end(new URLSearchParams({ password }).toString())
      const answered = new Promise<IncomingMessage>((resolve) => outgoing.once('response', resolve))
      return { outgoing, answered: answered.then((response) => response.resume().statusCode) }
    }
    // One is checked and five wait; what is more is refused at once.
    const wrong = Array.from({ length: 20 }, () => login('open'))
    const statuses: (number | undefined)[] = []
    for (const { answered } of wrong) void answered.then((status) => void statuses.push(status))
    await waitFor(() => statuses.filter((status) => status === 429).length === 14, { what: 'refusals' })
    expect(await login('open sesame', '127.0.0.2').answered).toBe(303)
    expect(statuses).not.toContain(303)
    for (const { outgoing } of wrong) outgoing.destroy()
    const start = performance.now()
    await waitFor(async () => (await login('open sesame').answered) === 303, { what: 'the right password' })
    // What one wrong password takes, and not six.
    expect(performance.now() - start).toBeLessThan(2000)
  })

  test('a file outside of the page is not there', async () => {
    const { origin, page, cookie } = await inspected()
    const { pathname } = new URL(page)
    for (const path of [
      '/../package.json',
      `${pathname}../package.json`,
      `${pathname}..%2fpackage.json`,
      `${pathname}/etc/passwd`,
      '/assets/..%2f..%2fpackage.json',
      '/%2e%2e/%2e%2e/package.json',
      '//etc/passwd',
    ]) {
      expect(await asked(origin, path, { cookie })).toBe(404)
    }
    expect(await asked(origin, `${pathname}index.html`, { cookie }, 'DELETE')).toBe(403)
    expect(await asked(origin, `${pathname}index.html`, { cookie, origin }, 'DELETE')).toBe(405)
  })

  test('over TLS the cookie is for TLS only', async () => {
    const { brokerUrl } = await inspected()
    const { ca, server } = makeCertificates()
    const { url } = await startOn(brokerUrl, { tls: { cert: server.cert, key: server.key } })
    expect(url).toMatch(/^https:/)
    const { headers, statusCode } = await new Promise<IncomingMessage>((resolve, reject) => {
      secureRequest(url, { ca }, resolve).on('error', reject).end()
    })
    expect([statusCode, headers['set-cookie']]).toEqual([303, [expect.stringMatching(/; Secure$/)]])
  })
})
