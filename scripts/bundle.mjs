// Makes the few files of dist/ that are published: to load some hundred would double the time that a program takes to start.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')
const dist = join(root, 'dist')
const { browser, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Files that are no entry points of the package, and keep their names all the same. */
const NAMED = [
  // What bin/ starts.
  'cli/main',
  // What bench/ measures.
  'broker/start-broker',
  'inspector/server',
  'pools/backup',
  'pools/pools',
]

/** Paths below src/ and dist/, without extension. */
const entries = [
  ...Object.values(exports).flatMap(({ default: file, require }) => [file, require?.default].filter(Boolean)),
  // Bundlers leave these out of pages, by their names, and have the one that stands for them.
  ...new Set(Object.entries(browser).flat().filter(Boolean)),
]
  .filter((file) => file.startsWith('./dist/') && !file.startsWith('./dist/chunks/'))
  .map((file) => file.slice('./dist/'.length, -'.js'.length))
  .concat(NAMED)

/** What is loaded with every store. */
const STORE = /^(runtime|format|schema|contracts|merge|variables|store|backends(?!\/mqtt)|open)\//
/** What is loaded with stores at a broker. A file of its own: bundlers leave all of it out where no store is at one. */
const MQTT = /^(index\.ts$|(backends\/)?mqtt\/)/
/** What only some need, and load when they do. */
const LATER =
  /^(mqtt\/transport\/(node|network-error|tls-alert)\.ts$|store\/journaling\.ts$|merge\/(recovery|journaled-revisions)\.ts$|backends\/file\/)/

/** @param {string} file */
const inSource = (file) => relative(src, file).replaceAll('\\', '/')

/** One file for all modules of which `isIn` is true. @param {string} name @param {(module: string) => boolean} isIn */
const group = (name, isIn) => ({ name, test: (/** @type {string} */ file) => isIn(inSource(file)) })

/** Writes the code. */
async function bundle() {
  await build({
    input: Object.fromEntries(entries.map((name) => [name, join(src, `${name}.ts`)])),
    // Node's own modules, and packages that the user installs.
    external: /^[a-z@]/,
    platform: 'neutral',
    tsconfig: false,
    transform: { target: 'es2023' },
    treeshake: { moduleSideEffects: false },
    output: {
      dir: dist,
      // The source maps have them. Annotations are for the bundlers of pages.
      comments: { legal: true, annotation: true, jsdoc: false },
      sourcemap: true,
      minifyInternalExports: false,
      chunkFileNames({ name, facadeModuleId }) {
        if (facadeModuleId) return `${inSource(facadeModuleId).slice(0, -'.ts'.length)}.js`
        return name.includes('/') ? '[name].js' : 'chunks/[name].js'
      },
      codeSplitting: {
        groups: [
          // Its exports keep their names: in pages another file stands for it.
          group('process-end', (module) => module === 'node/process-end.ts'),
          group('store', (module) => STORE.test(module) && !LATER.test(module)),
          group('mqtt', (module) => MQTT.test(module) && !LATER.test(module)),
          group('pools/shared', (module) => module.startsWith('pools/')),
          group('cli/shared', (module) => /^cli\/(?!main\.ts$|commands\/)/.test(module)),
          // It looks for the page beside itself.
          group('inspector/shared', (module) => module.startsWith('inspector/')),
        ],
      },
    },
  })
}

/** Removes the declarations that nobody who imports the package can come upon. */
function pruneDeclarations() {
  const types = Object.values(exports).flatMap(({ types, require }) => [types, require?.types].filter(Boolean))
  const reached = new Set(types.map((file) => join(root, file)))
  for (const file of reached) {
    for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(/'(\.[^']+)\.ts'/g)) {
      reached.add(join(file, '..', `${from}.d.ts`))
    }
  }
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    const file = join(dist, name)
    if (file.endsWith('.d.ts') && !reached.has(file)) rmSync(file)
  }
  // What bench/ imports has types too; they are not published.
  for (const name of NAMED) {
    const source = relative(join(dist, name, '..'), join(src, `${name}.ts`)).replaceAll('\\', '/')
    writeFileSync(join(dist, `${name}.d.ts`), `export * from '${source}'\n`)
  }
}

await bundle()
pruneDeclarations()
