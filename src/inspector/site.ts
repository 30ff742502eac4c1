import type { Access } from './access.ts'
import { failureOf } from './failure.ts'
import type { PageFiles } from './page-files.ts'
import { bodyText } from './request-body.ts'

/** The largest body of a login, in bytes. */
const LOGIN_BYTES = 10_000

/** The parts of the site. */
export interface SiteParts {
  readonly access: Access
  readonly files: PageFiles
  readonly api: (request: Request) => Promise<Response>
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

/** The whole inspector: browsers that were let in get the page, its files and the API. */
export function makeSite(parts: SiteParts): (request: Request) => Promise<Response> {
  return async (request) => {
    const response = await answered(request, parts).catch((thrown: unknown) => {
      const { status, failure: told } = failureOf(thrown)
      return Response.json(told, { status })
    })
    for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value)
    if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store')
    return response
  }
}

async function answered(request: Request, { access, files, api }: SiteParts): Promise<Response> {
  const strange = access.strange(request)
  if (strange !== undefined) return failure(403, 'FORBIDDEN', strange)
  const url = new URL(request.url)
  const token = url.searchParams.get('token')
  if (request.method === 'GET' && url.pathname === '/' && token !== null && access.opens(token)) {
    // Without the token in the address, where others could see it.
    return redirect('/', access.cookie(request))
  }
  if (url.pathname === '/login' && request.method === 'POST') return login(request, access)
  const isKnown = access.isKnown(request)
  if (url.pathname.startsWith('/api/')) {
    return isKnown ? api(request) : failure(401, 'UNAUTHORIZED', 'Open the address that the inspector has printed.')
  }
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return failure(405, 'BAD_REQUEST', 'This can only be read.')
  if (url.pathname === '/' && !isKnown) return entrance(access.hasPassword, url.searchParams.has('wrong'))
  return files.answer(url.pathname) ?? failure(404, 'NOT_FOUND', 'There is nothing at this address.')
}

async function login(request: Request, access: Access): Promise<Response> {
  const form = new URLSearchParams(await bodyText(request, LOGIN_BYTES))
  const isRight = await access.isPassword(form.get('password') ?? '')
  return isRight ? redirect('/', access.cookie(request)) : redirect('/?wrong')
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
function entrance(hasPassword: boolean, wasWrong: boolean): Response {
  const form = `<form method="post" action="/login">
<p><label for="password">Password</label></p>
<p><input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button>Open</button></p>${wasWrong ? '\n<p role="alert">That was not the password.</p>' : ''}
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
  return new Response(html, { status: 401, headers: { 'content-type': 'text/html; charset=utf-8' } })
}
