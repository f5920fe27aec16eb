// SPDX-License-Identifier: Apache-2.0
/** Bundles a module for browsers and runs it where only a browser's globals exist. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { must } from '../run.ts'

interface Metafile {
  readonly inputs: Readonly<
    Record<string, { readonly imports: readonly { path: string; external?: boolean }[] }>
  >
}

/** A bundle that any page can load. */
export interface BrowserBundle {
  /** Files that went into it, relative to the project. */
  readonly inputs: readonly string[]
  /** Imports that are still there. */
  readonly externals: readonly string[]
  /** Runs `expression` over the module as `nydus` and `input`; the result must be JSON. */
  evaluate(expression: string, input: Uint8Array): unknown
}

/** Bundles `specifier` as installed in `project`, with esbuild; a `node:` import makes that fail. */
export async function bundleForBrowser(project: string, specifier: string): Promise<BrowserBundle> {
  writeFileSync(join(project, 'page.js'), `export * from '${specifier}'\n`)
  const options = [
    '--bundle',
    '--platform=browser',
    '--format=iife',
    '--global-name=nydus',
    '--metafile=page.json',
  ]
  await must(['esbuild', 'page.js', ...options, '--outfile=page.bundle.js'], { cwd: project })
  const { inputs } = JSON.parse(readFileSync(join(project, 'page.json'), 'utf8')) as Metafile
  const code = readFileSync(join(project, 'page.bundle.js'), 'utf8')
  return {
    inputs: Object.keys(inputs),
    externals: Object.values(inputs).flatMap(({ imports }) =>
      imports.filter(({ external }) => external === true).map(({ path }) => path),
    ),
    evaluate(expression, input) {
      const context = createContext({ TextDecoder, TextEncoder, input })
      runInContext(code, context)
      return JSON.parse(String(runInContext(`JSON.stringify(${expression})`, context)))
    },
  }
}
