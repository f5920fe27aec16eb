// SPDX-License-Identifier: Apache-2.0
/** An empty project of a user, with the packed packages installed. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../run.ts'
import type { PackedPackage } from './packages.ts'

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly resolved?: string }>>
}

/**
 * Makes `directory` a project that depends on every one of `packed`, and installs it without running any install script:
 * native parts come as prebuilt packages.
 */
export async function installProject(
  directory: string,
  packed: readonly PackedPackage[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  mkdirSync(directory)
  const manifest = {
    name: 'empty-project',
    private: true,
    type: 'module',
    dependencies: Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`])),
    devDependencies: { '@types/node': '^24.0.0' },
    // The packages name each other by version; these come from the same files.
    overrides: Object.fromEntries(packed.map(({ name }) => [name, `$${name}`])),
  }
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest, undefined, 2))
  await must(['npm', 'install', '--ignore-scripts'], { cwd: directory, env, timeoutMs: 180_000 })
}

/** Where the lockfile of the project says that each package of `scope` came from, by its place in node_modules. */
export function resolvedFrom(directory: string, scope: string): Readonly<Record<string, string>> {
  const lockfile = JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8')) as Lockfile
  return Object.fromEntries(
    Object.entries(lockfile.packages)
      .filter(([path]) => path.includes(`node_modules/${scope}/`))
      .map(([path, { resolved = '' }]) => [path, resolved]),
  )
}
