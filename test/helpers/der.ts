// As much of ASN.1's DER (ITU-T X.690) as a certificate needs: a tag, a length, the contents.

export function encoded(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  const significant = length.subarray(length.findIndex((byte) => byte !== 0))
  return Buffer.concat([Buffer.from([tag, 0x80 + significant.length]), significant, body])
}

export function sequence(...contents: Buffer[]): Buffer {
  return encoded(0x30, ...contents)
}

export function set(...contents: Buffer[]): Buffer {
  return encoded(0x31, ...contents)
}

export function boolean(value: boolean): Buffer {
  return encoded(0x01, Buffer.from([value ? 0xff : 0]))
}

export function integer(bytes: Buffer): Buffer {
  return encoded(0x02, bytes)
}

export function bitString(bytes: Buffer): Buffer {
  return encoded(0x03, Buffer.from([0]), bytes)
}

export function octetString(bytes: Buffer): Buffer {
  return encoded(0x04, bytes)
}

export function text(value: string): Buffer {
  return encoded(0x0c, Buffer.from(value, 'utf8'))
}

/** GeneralizedTime would be for years from 2050; until then certificates use this one, UTCTime. */
export function time(value: Date): Buffer {
  return encoded(0x17, Buffer.from(`${value.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`, 'latin1'))
}

export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const number of rest) {
    const digits = [number & 0x7f]
    for (let left = number >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
    bytes.push(...digits)
  }
  return encoded(0x06, Buffer.from(bytes))
}
