import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { TotalsReporter } from './test/helpers/totals-reporter.ts'

/** Tests that run what `npm run build` made, as its users do: the examples, the documents' snippets, the browser. */
const ofTheBuild = ['test/built/**/*.test.ts']

// Real servers answer in milliseconds; the limit is for a machine that is busy with other things.
const limits = { testTimeout: 20_000, hookTimeout: 20_000, teardownTimeout: 20_000 }

const config: ViteUserConfig = defineConfig({
  test: {
    globalSetup: './test/helpers/brokers-present.ts',
    reporters: ['default', new TotalsReporter()],
    pool: 'forks',
    // One more than the cores of the smallest machine: most tests wait for servers, browsers and processes.
    maxWorkers: 3,
    coverage: { include: ['src/**/*.ts'], reporter: ['text', 'html'] },
    projects: [
      { test: { ...limits, name: 'source', include: ['test/**/*.test.ts'], exclude: ofTheBuild } },
      { test: { ...limits, name: 'built', include: ofTheBuild, globalSetup: './test/helpers/build-present.ts' } },
    ],
  },
})

export default config
