import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin, type UserConfig } from 'vite'

/** Packages of others in the built page. */
const PACKAGES = ['preact', '@preact/signals', '@preact/signals-core', 'uplot']

/** Puts their licenses beside the built files, as the licenses demand. */
function licenses(): Plugin {
  const textOf = (name: string) =>
    readFileSync(new URL(`../../../node_modules/${name}/LICENSE`, import.meta.url), 'utf8').trim()
  return {
    name: 'licenses',
    generateBundle() {
      const source = PACKAGES.map((name) => `${name}\n\n${textOf(name)}\n`).join('\n\n')
      this.emitFile({ type: 'asset', fileName: 'licenses.txt', source })
    },
  }
}

const config: UserConfig = defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  plugins: [licenses()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: fileURLToPath(new URL('../../../dist/inspector/page', import.meta.url)),
    emptyOutDir: true,
    // The page's Content-Security-Policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
  },
})

export default config
