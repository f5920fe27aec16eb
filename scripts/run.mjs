// SPDX-License-Identifier: Apache-2.0
/**
 * Entry of `npm test`, `npm run demo`, `npm run bench` and `npm run fuzz`. Plain JavaScript without dependencies: it runs on any Node ≥ 20 in a
 * fresh clone, installs and builds what is missing or stale, then goes on with the pinned Node.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const buildStamp = join(root, 'node_modules', '.nydus-build')
const pinnedNode = join(root, 'node_modules', '.bin', 'node')

const tasks = {
  test: 'scripts/test-all.ts',
  demo: 'scripts/demo/demo.ts',
  bench: 'bench/src/main.ts',
  fuzz: 'scripts/fuzz/fuzz.ts',
}

function say(text) {
  process.stdout.write(`[nydus] ${text}\n`)
}

/** Runs a step in the foreground; interruptions are passed on, and the step's own cleaning up is waited for. */
async function run(command, args, what) {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' }
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', env })
  const pass = (signal) => child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass)
  const status = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, pass)
  if (status === 0) return
  process.stderr.write(`[nydus] ${what} failed (${command} ${args.join(' ')} ended with ${status})\n`)
  process.exit(typeof status === 'number' ? status : 1)
}

function hashOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(path).update(readFileSync(join(root, path)))
  return hash.digest('hex')
}

function stampIs(path, value) {
  return existsSync(path) && readFileSync(path, 'utf8') === value
}

/** Files below `directory`, relative to the root, sorted. */
function filesBelow(directory) {
  if (!existsSync(join(root, directory))) return []
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .sort()
}

/**
 * Tells whether node_modules holds what the lockfile says. npm writes its own lockfile there when an installation is complete;
 * optional packages may be missing, they depend on the platform.
 */
function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installed) || !existsSync(pinnedNode)) return false
  const { packages: found } = JSON.parse(readFileSync(installed, 'utf8'))
  const { packages: wanted } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (!path.startsWith('node_modules/')) return true
    return found[path] === undefined ? optional === true : found[path].version === version
  })
}

async function installIfStale() {
  if (isInstalled()) return
  const state = existsSync(join(root, 'node_modules')) ? 'stale' : 'missing'
  say(`dependencies are ${state}: npm ci`)
  // npm complains about engines when the system's Node is older than the pinned one, which is what the scripts then run on.
  await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel', 'error'], 'npm ci')
}

function workspaces() {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(group, name)),
  )
}

async function buildIfStale() {
  const sources = workspaces().flatMap((workspace) => [
    join(workspace, 'package.json'),
    join(workspace, 'tsup.config.ts'),
    join(workspace, 'tsconfig.build.json'),
    ...filesBelow(join(workspace, 'src')),
  ])
  const wanted = hashOf([
    ...sources,
    'tsconfig.json',
    'tsup.base.ts',
    'tsconfig.base.json',
    'tsconfig.build.base.json',
    'package-lock.json',
  ])
  const built = workspaces().every(
    (workspace) => existsSync(join(root, workspace, 'dist', 'index.js')) || workspace === 'packages/base',
  )
  if (built && stampIs(buildStamp, wanted)) return
  say('the build is missing or stale: npm run build')
  await run('npm', ['run', 'build', '--silent', '--', '--output-logs=errors-only'], 'the build')
  writeFileSync(buildStamp, wanted)
}

const [task, ...args] = process.argv.slice(2)
const script = tasks[task]
if (script === undefined) {
  process.stderr.write(`usage: node scripts/run.mjs ${Object.keys(tasks).join('|')} [arguments]\n`)
  process.exit(2)
}
if (!statSync(root).isDirectory()) process.exit(2)
await installIfStale()
// Fuzzing runs the sources.
if (task !== 'fuzz') await buildIfStale()
await run(
  pinnedNode,
  ['--disable-warning=ExperimentalWarning', '--conditions=@nydus/source', join(root, script), ...args],
  task,
)
