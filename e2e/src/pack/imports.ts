// SPDX-License-Identifier: Apache-2.0
/** What a package imports, and programs that import packages. */
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import type { PackedPackage } from './packages.ts'

/** `from 'x'`, `import 'x'`, `import('x')`, `createRequire(…)('x')`; relative ones are left out. */
const IMPORTS = /(?:\bfrom\s*|\bimport\s*\(?\s*|\)\()["']([^."'\n][^"'\n]*)["']/g

/**
 * Packages that the code or the types in `root` import.
 * @param root the installed package.
 */
export function importedPackages(root: string, { files }: PackedPackage): readonly string[] {
  const code = files.filter((path) => /^(dist|bin)\/.*\.(js|d\.ts)$/.test(path))
  const specifiers = code.flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    return [...text.matchAll(IMPORTS)].map(([, specifier = '']) => specifier)
  })
  return [...new Set(specifiers.filter((specifier) => !isBuiltin(specifier)).map(packageOf))].sort()
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** A module that imports every one of `specifiers` and prints, as JSON, how many names each exports. */
export function importAllSource(specifiers: readonly string[]): string {
  return [
    ...specifiers.map((specifier, index) => `import * as module${index} from '${specifier}'`),
    'const counts: Record<string, number> = {}',
    ...specifiers.map((specifier, index) => `counts['${specifier}'] = Object.keys(module${index}).length`),
    'console.log(JSON.stringify(counts))',
    '',
  ].join('\n')
}

/**
 * A module in which every line after the imports is a type error, once each package's types are really there:
 * a namespace without types would be `any` and have every member.
 */
export function wrongUseSource(specifiers: readonly string[]): string {
  return [
    ...specifiers.map((specifier, index) => `import * as module${index} from '${specifier}'`),
    ...specifiers.map((_, index) => `// @ts-expect-error no such export\nvoid module${index}.noSuchExport`),
    '',
  ].join('\n')
}
