import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { Cli } from '../cli/cli.ts'
import { startInspect } from './page.ts'

describe.skipIf(!mosquittoAvailable)('persist-mqtt inspect', () => {
  async function broker() {
    const { url, stop } = await startMosquitto({ users: { ann: 'secret word' } })
    onTestFinished(stop)
    return { url, cli: new Cli(url, { MQTT_USERNAME: 'ann', MQTT_PASSWORD: 'secret word' }) }
  }

  test('inspect prints where it is, and ends in order', async () => {
    const { url, cli } = await broker()
    const program = cli.start('inspect', '--port', '0')
    const [, address = ''] = await program.says(
      /^Inspecting \S+: (http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32})\nCtrl-C ends it\.\n$/,
    )
    expect(program.stdout()).toContain(`Inspecting ${url}: `)
    const entered = await fetch(address, { redirect: 'manual' })
    const headers = { cookie: entered.headers.get('set-cookie')?.split(';')[0] ?? '' }
    // A page that is connected does not keep it.
    const page = new URL(entered.headers.get('location') ?? '', address)
    const live = await fetch(new URL('api/live', page), { headers })
    expect(await (await fetch(page, { headers })).text()).toContain('<div id="app">')
    expect(await program.kill('SIGINT')).toBe(0)
    await live.text().catch(() => {})
    expect(program.stderr()).toBe('')
  })

  test('inspect prints JSON; with a password there is no token; neither password is ever told', async () => {
    const { url, cli } = await broker()
    writeFileSync(join(cli.home, 'page'), 'open sesame\n')
    const program = cli.start('inspect', '--port', '0', '--json', '--page-password-file', 'page')
    await program.says(/\n/)
    const told = JSON.parse(program.stdout())
    expect(told).toEqual({ url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/), broker: url, pools: 0 })
    const { origin } = new URL(told.url)
    const body = new URLSearchParams({ password: 'open sesame' })
    const login = await fetch(`${origin}/login`, { method: 'POST', body, headers: { origin }, redirect: 'manual' })
    const headers = { cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '' }
    const page = new URL(login.headers.get('location') ?? '', origin)
    const reader = (await fetch(new URL('api/live', page), { headers })).body?.getReader()
    const snapshot = new TextDecoder().decode((await reader?.read())?.value as Uint8Array)
    expect(snapshot).toContain('"snapshot"')
    expect(snapshot).not.toMatch(/secret|sesame/)
    await reader?.cancel()
    expect(await program.kill('SIGTERM')).toBe(0)
  })

  test('what keeps inspect from starting is told in a line', async () => {
    const { url, cli } = await broker()
    const { port } = new URL((await startInspect(url.replace('//', '//ann:secret%20word@'))).url)
    expect(await cli.run('inspect', '--port', port)).toEqual({
      code: 1,
      out: '',
      err: `persist-mqtt: Port ${port} is taken; choose another one: --port PORT\n`,
    })
    expect((await cli.run('inspect', '--tls-cert', 'x')).code).toBe(2)
    expect(await cli.run('inspect', '--page-password-file', 'none')).toMatchObject({ code: 1, out: '' })
    expect(await new Cli('mqtt://127.0.0.1:1').run('inspect', '--port', '0')).toMatchObject({ code: 1, out: '' })
    const help = await cli.out('inspect', '--help')
    expect(help).toContain('--page-password-file FILE')
  })
})
