import { defineConfig } from 'vitest/config'

// Tests run on the TypeScript sources of every package (the `@nydus/source` export condition);
// tests of the packed packages and of the bins use the build.
export default defineConfig({
  ssr: {
    resolve: {
      conditions: ['@nydus/source', 'node', 'import', 'default'],
      externalConditions: ['@nydus/source', 'node', 'import'],
    },
  },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts'],
    pool: 'forks',
    execArgv: ['--conditions=@nydus/source'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
