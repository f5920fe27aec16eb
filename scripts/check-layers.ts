// SPDX-License-Identifier: Apache-2.0
/**
 * The arrow test: which workspace may import which, read from package.json files AND from import specifiers.
 * The table is the picture in ARCHITECTURE.md; a line changes only together with it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Workspace → what it may import. `base` is the only one that everybody may. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  'rafs-format': ['base'],
  'registry-client': ['base'],
  'blob-store': ['base'],
  'chunk-cache': ['base', 'rafs-format'],
  builder: ['base', 'rafs-format'],
  'fuse-fs': ['base', 'rafs-format'],
  testkit: ['base', 'rafs-format', 'registry-client', 'blob-store'],
  checker: ['base', 'rafs-format', 'registry-client', 'blob-store', 'chunk-cache', 'builder', 'fuse-fs'],
  daemon: ['base', 'rafs-format', 'registry-client', 'blob-store', 'chunk-cache', 'builder', 'fuse-fs'],
  cli: [
    'base',
    'rafs-format',
    'registry-client',
    'blob-store',
    'chunk-cache',
    'builder',
    'fuse-fs',
    'checker',
    'daemon',
  ],
}

/** Packages whose sources may not use any Node API: they run in a browser. */
const BROWSER_PACKAGES = ['rafs-format']

/** No source file is longer; a longer one has a second reason to change. */
export const MAX_FILE_LINES = 350

const SCOPE = '@nydus/'
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'"\n]*(?:\{[^}]*\}[^'"\n]*)?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g

/** A broken rule: the file and what is wrong. */
export interface LayerFinding {
  readonly file: string
  readonly problem: string
}

interface Manifest {
  readonly exports?: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Checks one source text of `workspace`; pure, so that the test can feed it broken code. */
export function checkSource(
  workspace: string,
  file: string,
  text: string,
  manifest: Manifest,
): LayerFinding[] {
  const findings: LayerFinding[] = []
  const allowed = ARROWS[workspace] ?? []
  const declared = { ...manifest.dependencies, ...manifest.optionalDependencies }
  for (const specifier of importSpecifiers(text)) {
    const problem = specifierProblem(workspace, specifier, allowed, declared)
    if (problem !== undefined) findings.push({ file, problem })
  }
  const lines = text.split('\n').length - 1
  if (lines > MAX_FILE_LINES) findings.push({ file, problem: `${lines} lines, at most ${MAX_FILE_LINES}` })
  return findings
}

/** Checks the dependencies that a package.json declares. */
export function checkManifest(workspace: string, file: string, manifest: Manifest): LayerFinding[] {
  const findings: LayerFinding[] = []
  const allowed = ARROWS[workspace]
  if (allowed === undefined)
    return [{ file, problem: `workspace ${workspace} is not in the table of arrows` }]
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    const target = name.startsWith(SCOPE) ? name.slice(SCOPE.length) : undefined
    if (target !== undefined && !allowed.includes(target))
      findings.push({ file, problem: `may not depend on ${name}` })
  }
  if (workspace === 'base' && manifest.exports?.['.'] !== undefined)
    findings.push({ file, problem: 'base has no root export' })
  return findings
}

/** Checks the whole repository below `root`. */
export function checkLayers(root: string): LayerFinding[] {
  const findings: LayerFinding[] = []
  for (const group of ['packages', 'apps']) {
    for (const workspace of readdirSync(join(root, group))) {
      const directory = join(root, group, workspace)
      const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest
      findings.push(...checkManifest(workspace, join(group, workspace, 'package.json'), manifest))
      for (const file of sourceFiles(join(directory, 'src'))) {
        findings.push(...checkSource(workspace, relative(root, file), readFileSync(file, 'utf8'), manifest))
      }
    }
  }
  return findings
}

function specifierProblem(
  workspace: string,
  specifier: string,
  allowed: readonly string[],
  declared: Readonly<Record<string, string>>,
): string | undefined {
  if (specifier.startsWith('.'))
    return specifier.includes('../../..') ? `reaches out of the package: ${specifier}` : undefined
  if (specifier.startsWith('node:')) {
    return BROWSER_PACKAGES.includes(workspace)
      ? `${workspace} runs in a browser, no ${specifier}`
      : undefined
  }
  const parts = specifier.split('/')
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] as string)
  if (specifier.startsWith(SCOPE)) {
    const target = name.slice(SCOPE.length)
    if (target === workspace) return `imports itself by name: ${specifier}`
    if (!allowed.includes(target)) return `arrow ${workspace} → ${target} is not allowed`
    if (/\/(src|dist|test)(\/|$)/.test(specifier)) return `deep import ${specifier}`
  }
  return declared[name] === undefined ? `${name} is not declared in package.json` : undefined
}

function importSpecifiers(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2] ?? match[3]) as string)
}

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
}
