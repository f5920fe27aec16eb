// SPDX-License-Identifier: Apache-2.0
/** The Nodes that the packed packages run on, each as an environment in which `node` and `npx` are that Node. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { must, REPOSITORY, run } from '../run.ts'

/** The oldest Node that the packages promise to run on. */
export const OLDEST_NODE = '22.19.0'

const SYSTEM_PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((directory) => !/node_modules|node-gyp-bin/.test(directory))
  .join(delimiter)

/**
 * This process's environment as a person's shell would have it: nothing of the repository on PATH, and nothing that
 * npm or vitest set for this run, which would make a second npm act in the repository.
 * @param node directory that holds a `node`; without it the machine's own is used.
 */
export function shellEnvironment(node?: string): NodeJS.ProcessEnv {
  const inherited = Object.keys(process.env).filter((name) =>
    /^(npm_(command|package_|lifecycle_|config_(local_)?prefix)|INIT_CWD$|NODE_(ENV|OPTIONS)$|VITEST)/.test(
      name,
    ),
  )
  return {
    ...Object.fromEntries(inherited.map((name) => [name, undefined])),
    PATH: node === undefined ? SYSTEM_PATH : `${node}${delimiter}${SYSTEM_PATH}`,
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_loglevel: 'error',
    npm_config_update_notifier: 'false',
    // npx takes what is installed or fails: a package of that name in the public registry is not ours.
    npm_config_yes: 'false',
  }
}

/** A directory whose only program is the repository's pinned Node. */
export function pinnedNode(work: string): string {
  const directory = join(work, 'pinned-node')
  mkdirSync(directory)
  symlinkSync(join(REPOSITORY, 'node_modules/.bin/node'), join(directory, 'node'))
  return directory
}

/** A directory with npm's `node` package of the oldest version; its install script fetches the binary. */
export async function oldestNode(work: string, env: NodeJS.ProcessEnv): Promise<string> {
  const project = join(work, 'oldest-node')
  mkdirSync(project)
  const manifest = { private: true, dependencies: { node: OLDEST_NODE }, allowScripts: { node: true } }
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest))
  await must(['npm', 'install'], { cwd: project, env, timeoutMs: 180_000 })
  const directory = join(project, 'node_modules/.bin')
  const { stdout } = await must([join(directory, 'node'), '--version'], { env })
  if (stdout.trim() !== `v${OLDEST_NODE}`) throw new Error(`npm's node@${OLDEST_NODE} is ${stdout}`)
  return directory
}

/** The version of the machine's own Node when it is older than the oldest supported one. */
export async function tooOldSystemNode(): Promise<string | undefined> {
  const { status, stdout } = await run(['node', '--version'], { env: shellEnvironment() }).catch(() => ({
    status: 127,
    stdout: '',
  }))
  const [major = 0, minor = 0] = stdout.slice(1).split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number)
  const isOld = major < oldestMajor || (major === oldestMajor && minor < oldestMinor)
  return status === 0 && isOld ? stdout.trim() : undefined
}

/** `command` as one that sets up `env` and the directory by itself, for callers that have their own. */
export function inEnvironment(
  env: NodeJS.ProcessEnv,
  cwd: string,
  command: readonly string[],
): readonly string[] {
  const variables = Object.entries({ ...process.env, ...env })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
  return ['env', '-i', '-C', cwd, ...variables, ...command]
}
