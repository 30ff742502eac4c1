import { expect, test } from 'vitest'
import { type BrokerEvent, logLine } from '../../src/cli/broker-log.ts'

const AT = new Date('2026-11-23T06:00:00.000Z')
const line = (event: BrokerEvent) => logLine(event, AT, false)
const json = (event: BrokerEvent) => logLine(event, AT, true)

const started = (host: string, url: string): BrokerEvent => ({
  event: 'started',
  url,
  webSocketUrl: 'ws://127.0.0.1:9001',
  host,
  directory: 'data',
  restored: 1,
})

test('a start has the addresses, and where it listens when they do not tell', () => {
  const time = '2026-11-23T06:00:00.000Z'
  const rest = 'and ws://127.0.0.1:9001'
  expect(line(started('127.0.0.1', 'mqtt://127.0.0.1:1883'))).toBe(
    `${time} started      mqtt://127.0.0.1:1883 ${rest}, 1 retained message in data`,
  )
  expect(line(started('::1', 'mqtt://[::1]:1883'))).toBe(
    `${time} started      mqtt://[::1]:1883 ${rest}, 1 retained message in data`,
  )
  expect(line(started('0.0.0.0', 'mqtt://127.0.0.1:1883'))).toBe(
    `${time} started      mqtt://127.0.0.1:1883 ${rest} on 0.0.0.0, 1 retained message in data`,
  )
})

test('what a client says of itself does no harm', () => {
  const event: BrokerEvent = { event: 'refused', clientId: 'a\n\u001b[2J\u202e', username: '\u009b1m', reason: 'b\r' }
  expect(line(event)).toBe('2026-11-23T06:00:00.000Z refused      a\\n\\u{1b}[2J\\u{202e} as \\u{9b}1m: b\\r')
  expect(json(event)).toMatch(/^[\x20-\x7e]+$/)
  expect(JSON.parse(json(event))).toEqual({ time: AT.toISOString(), ...event })
})

test('a client without an id is a client', () => {
  expect(line({ event: 'failed', clientId: '', address: '192.0.2.1', reason: 'x' })).toBe(
    '2026-11-23T06:00:00.000Z failed       a client from 192.0.2.1: x',
  )
})
