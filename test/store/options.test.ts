import { afterEach, describe, expect, it, vi } from 'vitest'
import { RESERVED_NAMES } from '../../src/store/members.ts'
import { DEFAULTS, resolveOptions, type StoreOptions } from '../../src/store/options.ts'

const resolve = (options: object) => resolveOptions(options as StoreOptions<never>)
const refused = (option: string, text: RegExp = /./) =>
  expect.objectContaining({ code: 'ERR_PERSIST_OPTION', received: option, message: expect.stringMatching(text) })

afterEach(() => void vi.unstubAllEnvs())

describe('options', () => {
  it('options have their defaults', () => {
    vi.stubEnv('MQTT_URL', undefined)
    const options = resolve({ name: 'garage' })
    expect(options).toMatchObject({ ...DEFAULTS, topic: 'stat/garage/PersistMQTT', name: 'garage' })
    expect(options.maxBytes).toBe(16 * 2 ** 20)
  })

  it('options come from the environment where they are not given', () => {
    vi.stubEnv('MQTT_URL', 'mqtt://broker:1884')
    vi.stubEnv('MQTT_USERNAME', 'me')
    vi.stubEnv('MQTT_PASSWORD', 'secret')
    vi.stubEnv('PERSIST_NAME', 'shed')
    const login = { username: 'me', password: 'secret' }
    expect(resolve({})).toMatchObject({ url: 'mqtt://broker:1884', name: 'shed', ...login })
    expect(resolve({ name: undefined, url: undefined })).toMatchObject({ url: 'mqtt://broker:1884', name: 'shed' })
    expect(resolve({ name: 'given', url: 'ws://x' })).toMatchObject({ url: 'ws://x', name: 'given', ...login })
    expect(resolve({ url: 'mqtt://you@x' })).toMatchObject({ username: undefined, password: undefined })
    expect(resolve({ url: ['mqtt://x', 'mqtt://you@y'] })).toMatchObject({ username: undefined, password: undefined })
    expect(resolve({ username: '', password: '' })).toMatchObject({ username: undefined, password: undefined })
  })

  it('options need a name: two programs must not share one by accident', () => {
    vi.stubEnv('PERSIST_NAME', '')
    expect(() => resolve({})).toThrow(refused('name', /PERSIST_NAME/))
    expect(resolve({ backend: {} }).name).toBe('store')
  })

  it('options are neither kept nor written to', () => {
    const given = Object.freeze({
      name: 'a',
      url: Object.freeze(['mqtt://a', 'mqtt://b']),
      tls: Object.freeze({ ca: 'x' }),
      defaults: Object.freeze({ a: 1 }),
      autosave: Object.freeze({ delayMs: 5 }),
    })
    const options = resolve(given)
    expect([options.tls === given.tls, options.defaults === given.defaults]).toEqual([false, false])
    expect([options.url === given.url, options.url]).toEqual([false, ['mqtt://a', 'mqtt://b']])
    expect(options.autosave).toEqual({ delayMs: 5, maxDelayMs: 50 })
  })

  it('autosave without maxDelayMs saves after ten times the delay, however it is left out', () => {
    expect(resolve({ name: 'a', autosave: { delayMs: 7, maxDelayMs: undefined } }).autosave).toEqual({
      delayMs: 7,
      maxDelayMs: 70,
    })
  })

  it.each<[option: string, ...values: unknown[]]>([
    ['name', 5, null, '+', 'a/#', 'a\0b', 'a\tb', 'a\x9fb', 'a\ud800b', 'a\uffffb', 'a\n', ' a', 'x'.repeat(70_000)],
    ['url', 5, [], [5], ['mqtt://x', undefined]],
    ['clientId', 5, '', 'a\0b', '\ud800', 'x'.repeat(70_000)],
    ['protocolVersion', 3, '5'],
    ['empty', 'never', true],
    ['defaults', 1, null, 'x'],
    ['schema', {}, () => true],
    ['version', 0, 1.5, '2', Number.NaN],
    ['migrate', [() => {}], { 1: () => {} }, { two: () => {} }, { 2: 'x' }],
    ['integrations', true, {}, [() => {}], [null], [{ attach: () => {} }], [{ name: 'a', attach: 'b' }]],
    ['homeAssistant', true],
    ['onInvalid', 'ignore'],
    ['saveEvery', '60', Number.NaN, Number.POSITIVE_INFINITY, 1e9],
    ['autosave', true, {}, { delayMs: 0 }, { delayMs: 5, maxDelayMs: 'x' }, { delayMs: 2 ** 31 }],
    ['saveOnExit', 1],
    ['readOnly', 'yes'],
    ['compat', 'esphome', true],
    ['maxBytes', 0, '5', Number.NaN],
    ['openTimeoutMs', 0, -1, 2 ** 31, Number.POSITIVE_INFINITY],
    ['saveTimeoutMs', 0, Number.NaN],
    ['onConflict', 'both', 1],
    ['saveEvry', 60],
    ['toString', 1],
  ])('%s is refused where it makes no sense', (option, ...values) => {
    for (const value of values) expect(() => resolve({ name: 'a', [option]: value })).toThrow(refused(option))
  })

  it('a name says what is wrong with it, also where it comes from the environment', () => {
    vi.stubEnv('PERSIST_NAME', 'garage\n')
    expect(() => resolve({})).toThrow(refused('name', /"garage\\n" begins or ends with a blank or a line break/))
    expect(() => resolve({ name: 'a\tb' })).toThrow(refused('name', /U\+0009/))
    expect(() => resolve({ name: 'a\udfffb' })).toThrow(refused('name', /surrogate/))
    expect(() => resolve({ name: 'a\tb', topic: 'x/y' })).toThrow(refused('name'))
    expect(resolve({ name: 'liv ing.r\u{1f600}om*' }).name).toBe('liv ing.r\u{1f600}om*')
  })

  it('a name has as many levels as listings ask for', () => {
    expect(resolve({ name: 'house/floor/room/lamp' }).topic).toBe('stat/house/floor/room/lamp/PersistMQTT')
    expect(() => resolve({ name: 'a/b/c/d/e' })).toThrow(refused('name', /5 levels.*can have 4/))
    expect(() => resolve({ name: 'a/b', topic: 'pools/{name}' })).toThrow(refused('name', /can have 1/))
    expect(resolve({ name: 'a/b/c/d/e', topic: 'pools/e' }).topic).toBe('pools/e')
  })

  it('a refused option says what it is, and one that does not exist which was meant', () => {
    expect(() => resolve({ name: 'a', saveEvery: '60' })).toThrow(refused('saveEvery', /not the string "60"/))
    expect(() => resolve({ name: 'a', tls: null })).toThrow(refused('tls', /not null/))
    expect(() => resolve({ name: 'a', savEvery: 60 })).toThrow(refused('savEvery', /did you mean saveEvery\?/))
    expect(() => resolve({ name: 'a', userName: 'x' })).toThrow(refused('userName', /did you mean username\?/))
    expect(() => resolve({ name: 'a', homeAssistant: 1 })).toThrow(refused('homeAssistant', /no such option\.$/))
  })

  it('integrations says what to pass where it is no list of integrations', () => {
    expect(() => resolve({ name: 'a', integrations: {} })).toThrow(
      refused('integrations', /list.*\[homeAssistant\(\)\]/),
    )
  })

  it('no message shows a password', () => {
    try {
      resolve({ name: 'a', password: 12345 })
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message).not.toContain('12345')
    }
  })

  it('defaults cannot have a name that no variable can have', () => {
    for (const name of [...RESERVED_NAMES, '$mine']) {
      const defaults = Object.fromEntries([[name, 1]])
      expect(() => resolve({ name: 'a', defaults })).toThrow(refused('defaults'))
    }
  })

  it("compat 'tasmota' leaves room for the topic in a packet of 1200 bytes", () => {
    // 1174 bytes of pool for a device called dev1.
    expect(resolve({ name: 'dev1', compat: 'tasmota' }).maxBytes).toBe(1174)
    expect(resolve({ name: 'ü', compat: 'tasmota' }).maxBytes).toBe(1195 - 17 - 2)
    expect(resolve({ name: 'dev1', compat: 'tasmota', maxBytes: 50 }).maxBytes).toBe(50)
  })

  it('the option topic may be anywhere, with the name in it', () => {
    expect(resolve({ name: 'a', topic: 'home/{name}/{name}' }).topic).toBe('home/a/a')
    expect(() => resolve({ name: 'a', topic: 'home/+/x' })).toThrow(refused('topic', /"\+"/))
  })
})
