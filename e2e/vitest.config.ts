import { defineConfig } from 'vitest/config'

// End-to-end tests share one machine: mounts, loop devices and ports. One file at a time.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.e2e.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    execArgv: ['--conditions=@nydus/source'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
})
