import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hashedPassword, Users } from '../../src/broker/users-file.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const KEY = Buffer.alloc(32).toString('base64')

describe('a file of users', () => {
  test('a file of users has who may connect, with comments, empty lines and line ends of any kind', async () => {
    const [ann, bob] = [await hashedPassword('sesame'), await hashedPassword('sésame')]
    const users = Users.read(`# who\n\nann:${ann}\r\nbob:${bob}`, 'users')
    expect(users.size).toBe(2)
    expect(await users.mayConnect('ann', 'sesame')).toBe(true)
    expect(await users.mayConnect('bob', Buffer.from('sésame'))).toBe(true)
    for (const [name, password] of [
      ['ann', 'sésame'],
      ['ann', ''],
      ['ann', undefined],
      ['carl', 'sesame'],
      ['', 'sesame'],
      [undefined, 'sesame'],
      ['__proto__', 'sesame'],
    ])
      expect([name, password, await users.mayConnect(name, password)]).toEqual([name, password, false])
  })

  test('a file of users that is empty lets nobody in', async () => {
    expect(await Users.read('', 'users').mayConnect('ann', '')).toBe(false)
  })

  test('a file of users has another salt for each, so that equal passwords do not look equal', async () => {
    expect(await hashedPassword('sesame')).not.toBe(await hashedPassword('sesame'))
  })

  test.each([
    'ann',
    'ann:sesame',
    ':scrypt$16384$8$1$AAAA$',
    `ann:scrypt$16384$8$1$AAAA$AAAA`,
    `ann:scrypt$3$8$1$AAAA$${KEY}`,
    `ann:scrypt$0$8$1$AAAA$${KEY}`,
    `ann:scrypt$16384$0$1$AAAA$${KEY}`,
    // More than a gigabyte, and many seconds for each login.
    `ann:scrypt$1048576$32$1$AAAA$${KEY}`,
  ])('a file of users with the line %s is refused, and the error says which line it is', (line) => {
    expect(() => Users.read(`# one\n${line}\n`, 'the/users')).toThrow(
      expect.objectContaining({
        code: 'ERR_PERSIST_FAILED',
        message: expect.stringMatching(/^the\/users, line 2: it must be name:hash\./),
      }),
    )
  })

  test('who waits for a check and is gone is dropped at once, and the others have their turn', async () => {
    const users = Users.read(`ann:${await hashedPassword('sesame')}`, 'users')
    const order: string[] = []
    const check = async (which: string, password: string, gone?: AbortSignal) => {
      order.push(`${which} ${await users.mayConnect('ann', password, gone)}`)
    }
    const gone = new AbortController()
    const checks = ['one', 'two'].map((which) => check(which, 'wrong'))
    checks.push(...Array.from({ length: 100 }, () => check('gone', 'sesame', gone.signal)), check('last', 'sesame'))
    gone.abort()
    await Promise.all(checks)
    expect(order.slice(0, 100)).toEqual(Array(100).fill('gone false'))
    expect(order.slice(100).sort()).toEqual(['last true', 'one false', 'two false'])
    expect(await users.mayConnect('ann', 'sesame', gone.signal)).toBe(false)
  })

  test('passwords are checked without stopping everything else, the disk included', async () => {
    const users = Users.read(`ann:${await hashedPassword('sesame')}`, 'users')
    const file = join(temporaryDirectory(), 'file')
    let answered = 0
    const checks = Array.from({ length: 40 }, async (_, index) => {
      const isRight = await users.mayConnect('ann', index % 2 === 0 ? 'sesame' : 'wrong')
      answered += 1
      return isRight
    })
    // The first are under way now. Both share their threads with the disk, which would come last if they took them all.
    await new Promise((resolve) => setImmediate(resolve))
    await writeFile(file, 'x')
    expect(answered).toBeLessThan(20)
    expect(await Promise.all(checks)).toEqual(Array.from({ length: 40 }, (_, index) => index % 2 === 0))
  })
})
