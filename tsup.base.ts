import type { Options } from 'tsup'

/**
 * The one bundler configuration of the repository. Every package bundles its own `src` and
 * nothing else; declarations come from TypeScript's own compiler (`tsc -p tsconfig.build.json`).
 */
export function defineNydusConfig(entry: readonly string[]): Options {
  return {
    entry: Object.fromEntries(entry.map((file) => [file.replace(/^src\//, '').replace(/\.ts$/, ''), file])),
    format: ['esm'],
    target: 'node22',
    platform: 'node',
    clean: true,
    splitting: true,
    sourcemap: true,
    dts: false,
    removeNodeProtocol: false,
    skipNodeModulesBundle: true,
  }
}
