import { stripVTControlCharacters, styleText } from 'node:util'
import { type ExactJson, printExact } from '../format/exact-json.ts'
import type { Io } from './io.ts'

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Colours a text where colours may be used. */
export function coloured(io: Io, style: Style, text: string): string {
  // main.ts has checked already whether the stream is a terminal.
  return io.hasColours ? styleText(style, text, { validateStream: false }) : text
}

/**
 * What others have written, on one line and harmless: control characters, and those that turn the direction of writing,
 * are shown as escapes, so that no name or value can move the cursor or hide what follows it.
 */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character]
    return known ?? `\\u{${(character.codePointAt(0) as number).toString(16)}}`
  })
}

/** A value as JSON on one line, cut to a width; it can be printed as it is. */
export function shortJson(value: ExactJson | undefined, width = 60): string {
  if (value === undefined) return '(none)'
  const text = printable(printExact(value))
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`
}

/** JSON that a terminal shows as it is: characters that steer it are written as JSON escapes, so it stays the same JSON. */
export function safeJson(text: string): string {
  return text.replace(/[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Lines of columns as wide as their longest cell; numbers to the right. */
export function tableOf(head: readonly string[], rows: readonly (readonly (string | number)[])[], io: Io): string {
  const isNumeric = head.map((_, column) => rows.some((row) => typeof row[column] === 'number'))
  const widths = head.map((title, column) => {
    let width = title.length
    for (const row of rows) width = Math.max(width, widthOf(String(row[column] ?? '')))
    return width
  })
  const line = (cells: readonly (string | number)[]) => {
    const padded = cells.map((cell, column) => {
      const text = String(cell)
      const space = ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(text)))
      return isNumeric[column] ? space + text : text + space
    })
    return padded.join('  ').trimEnd()
  }
  return [coloured(io, 'bold', line(head)), ...rows.map(line)].join('\n')
}

/** Most texts are plain ASCII, and a list may have 100,000 of them. */
const PLAIN = /^[ -~]*$/
const WIDE = /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u

/** How many cells a text takes on a terminal, more or less. */
function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const character of stripVTControlCharacters(text)) width += WIDE.test(character) ? 2 : 1
  return width
}

/** A count with its noun: `1 pool`, `3 pools`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** A change on one line: `limits.low  5 → 7  (saved by its owner)`. */
export function changeLine(
  path: string,
  before: ExactJson | undefined,
  after: ExactJson | undefined,
  told: string,
  io: Io,
): string {
  const [from, to] = [before, after].map((value) => shortJson(value))
  return `${coloured(io, 'cyan', printable(path))}  ${from} → ${to}  ${coloured(io, 'dim', `(${told})`)}`
}
