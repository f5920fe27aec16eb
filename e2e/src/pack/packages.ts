// SPDX-License-Identifier: Apache-2.0
/** The public packages of the repository, packed as npm would publish them. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { must, REPOSITORY } from '../run.ts'

/** One package that is published. */
export interface PublicPackage {
  readonly name: string
  /** Every specifier that can be imported, e.g. `@nydus/base/error`; `package.json` is not among them. */
  readonly specifiers: readonly string[]
  /** Command name → file inside the package. */
  readonly bins: Readonly<Record<string, string>>
  /** Names that it may import: its dependencies, optional and peer ones too. */
  readonly declared: readonly string[]
}

/** A package in a file, as npm made it. */
export interface PackedPackage extends PublicPackage {
  readonly tarball: string
  /** Paths inside the package. */
  readonly files: readonly string[]
}

interface PackageJson {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, unknown>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

interface PackReport {
  readonly name: string
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** The packages that are not private, sorted by directory. */
export function publicPackages(): readonly PublicPackage[] {
  return globSync(['packages/*/package.json', 'apps/*/package.json'], { cwd: REPOSITORY })
    .sort()
    .map((path) => JSON.parse(readFileSync(join(REPOSITORY, path), 'utf8')) as PackageJson)
    .filter((manifest) => manifest.private !== true)
    .map((manifest) => ({
      name: manifest.name,
      specifiers: specifiersOf(manifest),
      bins: manifest.bin ?? {},
      declared: Object.keys({
        ...manifest.dependencies,
        ...manifest.optionalDependencies,
        ...manifest.peerDependencies,
      }),
    }))
}

/** Packs all of `packages` into `directory` with one npm. */
export async function packInto(
  directory: string,
  packages: readonly PublicPackage[],
  env: NodeJS.ProcessEnv,
): Promise<readonly PackedPackage[]> {
  const workspaces = packages.map(({ name }) => `--workspace=${name}`)
  const command = ['npm', 'pack', '--json', '--pack-destination', directory, ...workspaces]
  const { stdout } = await must(command, { cwd: REPOSITORY, env })
  // An array, or an object by name: it depends on the version of npm.
  const reports = Object.values(JSON.parse(stdout) as Record<string, PackReport>)
  return packages.map((found) => {
    const report = reports.find(({ name }) => name === found.name)
    if (report === undefined) throw new Error(`npm pack made nothing of ${found.name}`)
    return {
      ...found,
      tarball: join(directory, report.filename),
      files: report.files.map(({ path }) => path),
    }
  })
}

function specifiersOf(manifest: PackageJson): string[] {
  return Object.keys(manifest.exports ?? {})
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => `${manifest.name}${subpath.slice(1)}`)
}
