import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

export interface SnippetFile {
  readonly name: string
  readonly code: string
}

/** A program in a document: one fenced block, or several that begin with a file's name, of which main is run. */
export interface Snippet {
  /** The document's heading above it, and its line: what a failed test shows. */
  readonly title: string
  readonly files: readonly SnippetFile[]
}

/** The blocks of JavaScript and TypeScript in a document. */
export function snippetsOf(document: string): Snippet[] {
  const text = readFileSync(`${ROOT}/${document}`, 'utf8')
  const snippets: Snippet[] = []
  let files: SnippetFile[] = []
  for (const found of text.matchAll(/^```(js|ts)\n(.*?)^```$/gms)) {
    const [, language = '', code = ''] = found
    const name = /^\/\/ ([\w-]+\.js)\n/.exec(code)?.[1] ?? `main.${language}`
    files.push({ name, code })
    if (!name.startsWith('main.')) continue
    const above = text.slice(0, found.index)
    // Not the comments of other languages, which look like headings.
    const headings = above.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)
    snippets.push({ title: `line ${above.split('\n').length}: ${Array.from(headings).at(-1)?.[1]}`, files })
    files = []
  }
  return snippets
}

const IS = /^(.+?) \/\/ → (.+)$/gm
const FAILS = /^(?:const [^=]+ = )?(.+?) \/\/ (throws|rejects) (ERR_\w+).*$/gm

/** How many results a snippet states. */
export function statedResults({ files }: Snippet): number {
  return files.flatMap(({ code }) => [...code.matchAll(IS), ...code.matchAll(FAILS)]).length
}

/** A snippet's code with the results that it states turned into checks, and `pt` where it does not say what that is. */
export function checkedCode(code: string): string {
  const declares = /^(export )?(const pt\b|import pt\b|import \{.*\bpt\b)/m.test(code)
  const usesStore = /\bpt\b/.test(code.replaceAll(/^\s*\/\/.*$/gm, ''))
  const prelude =
    usesStore && !declares
      ? "import { openStore as openIt } from 'persist-mqtt'\nconst pt = await openIt({ name: 'garage' })\n"
      : ''
  const checked = code
    // The documents' broker is the one that the test has started.
    .replaceAll("'mqtt://localhost'", 'process.env.MQTT_URL')
    .replaceAll(IS, (_, expression, value) => `is(${expression}, ${value})`)
    .replaceAll(FAILS, (_, statement, how, errorCode) =>
      how === 'throws'
        ? `throws(() => { ${statement} }, '${errorCode}')`
        : `await rejects(async () => { ${statement} }, '${errorCode}')`,
    )
  return `import { is, throws, rejects } from './checks.js'\n${prelude}${checked}`
}

/** What `checkedCode` calls; at the end it prints how many checks were made. */
export const CHECKS: SnippetFile = {
  name: 'checks.js',
  code: `import assert from 'node:assert/strict'
let made = 0
process.on('exit', () => console.log('checks made:', made))
export const is = (actual, expected) => { assert.deepStrictEqual(actual, expected); made++ }
export const throws = (fn, code) => { assert.throws(fn, { code }); made++ }
export const rejects = async (fn, code) => { await assert.rejects(fn, { code }); made++ }
`,
}
