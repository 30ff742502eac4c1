import type { Access } from './access.ts'
import type { Api } from './api.ts'
import { failureOf } from './failure.ts'
import type { PageFiles } from './page-files.ts'
import { bodyText } from './request-body.ts'

/** The largest body of a login, in bytes. */
const LOGIN_BYTES = 10_000

/** The parts of the site. */
export interface SiteParts {
  readonly access: Access
  readonly files: PageFiles
  readonly api: Api
}

/**
 * Nothing from other origins, no inline code, no frames (Content Security Policy Level 3). Scripts may set styles on
 * elements; style attributes in HTML do not work.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
} as const

/** Answers a request that comes from an address. */
export type Site = (request: Request, address: string) => Promise<Response>

/** The whole inspector: browsers that were let in get the page, its files and the API. */
export function makeSite(parts: SiteParts): Site {
  return async (request, address) => {
    const response = await answered(request, address, parts).catch((thrown: unknown) => {
      const { status, failure: told } = failureOf(thrown)
      return Response.json(told, { status })
    })
    for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value)
    if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store')
    return response
  }
}

async function answered(request: Request, address: string, { access, files, api }: SiteParts): Promise<Response> {
  const strange = access.strange(request)
  if (strange !== undefined) return failure(403, 'FORBIDDEN', strange)
  const { pathname, searchParams } = new URL(request.url)
  const token = searchParams.get('token')
  if (request.method === 'GET' && pathname === '/' && token !== null && access.opens(token)) {
    // Without the token in the address, where others could see it.
    return redirect(access.path, access.cookie())
  }
  if (pathname === '/login' && request.method === 'POST') return login(request, address, access)
  // Below the path of an earlier start, too: a page that is still open there learns that it is not let in.
  const [, place = '/', rest = pathname.slice(1)] = /^(\/[\w-]{24}\/)(.*)$/.exec(pathname) ?? []
  const isKnown = access.isKnown(request)
  if (rest.startsWith('api/')) {
    return isKnown
      ? api(request, rest)
      : failure(401, 'UNAUTHORIZED', 'Open the address that the inspector has printed.')
  }
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return failure(405, 'BAD_REQUEST', 'This can only be read.')
  if (rest === '' && !isKnown) return entrance(access, searchParams.has('wrong') ? WRONG : undefined)
  const file = place === access.path ? files.answer(`/${rest}`) : undefined
  return file ?? failure(404, 'NOT_FOUND', 'There is nothing at this address.')
}

const WRONG = 'That was not the password.'
const BUSY = 'Too many passwords are being tried from this address. Try again in some seconds.'

async function login(request: Request, address: string, access: Access): Promise<Response> {
  const form = new URLSearchParams(await bodyText(request, LOGIN_BYTES))
  const isRight = await access.isPassword(form.get('password') ?? '', address, request.signal)
  if (isRight === undefined) return entrance(access, BUSY, 429)
  return isRight ? redirect(access.path, access.cookie()) : redirect('/?wrong')
}

function redirect(location: string, cookie?: string): Response {
  return new Response(null, {
    status: 303,
    headers: { location, ...(cookie !== undefined && { 'set-cookie': cookie }) },
  })
}

function failure(status: number, code: string, message: string): Response {
  return Response.json({ error: { code, message } }, { status })
}

/** The page for browsers that are not let in; it loads nothing. */
function entrance({ hasPassword }: Access, alert?: string, status = 401): Response {
  const form = `<form method="post" action="/login">
<p><label for="password">Password</label></p>
<p><input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button>Open</button></p>${alert === undefined ? '' : `\n<p role="alert">${alert}</p>`}
</form>`
  const token = `<p>Open the address that <code>persist-mqtt inspect</code> has printed in its terminal: it ends with
<code>?token=…</code></p>`
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>persist-mqtt inspector</title>
<h1>persist-mqtt inspector</h1>
${hasPassword ? form : token}
</html>
`
  return new Response(html, { status, headers: { 'content-type': 'text/html; charset=utf-8' } })
}
