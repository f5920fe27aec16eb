// SPDX-License-Identifier: Apache-2.0
/** What npm's users get: the packed packages, installed into an empty project, on the pinned Node and on the oldest one. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRegistry, type TestRegistry } from '@nydus/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isMounted, READY, startMount } from './src/foreground.ts'
import { bundleForBrowser } from './src/pack/browser-bundle.ts'
import { importAllSource, importedPackages, wrongUseSource } from './src/pack/imports.ts'
import {
  inEnvironment,
  OLDEST_NODE,
  oldestNode,
  pinnedNode,
  shellEnvironment,
  tooOldSystemNode,
} from './src/pack/node-versions.ts'
import { type PackedPackage, packInto, publicPackages } from './src/pack/packages.ts'
import { installProject, resolvedFrom } from './src/pack/project.ts'
import { must, run } from './src/run.ts'
import { putSmallImage } from './src/small-image.ts'

const packages = publicPackages()
const names = packages.map(({ name }) => name)
const specifiers = packages.flatMap((found) => found.specifiers)
const bins = packages.flatMap((found) => Object.keys(found.bins))
const work = mkdtempSync(join(tmpdir(), 'nydus-pack-'))
const project = join(work, 'project')
/** Directories that hold the `node` under test. */
const nodes: Record<string, string> = {}

const mountpoints: string[] = []

let registry: TestRegistry
let packed: readonly PackedPackage[]

beforeAll(async () => {
  // Anew: what the build cache restores may lie beside leftovers of an older build.
  await must(['npm', 'run', 'build', '--', '--force'])
  registry = await startRegistry()
  putSmallImage(registry, 'image', 'v1')
  nodes.pinned = pinnedNode(work)
  const env = shellEnvironment(nodes.pinned)
  const [oldest] = await Promise.all([oldestNode(work, env), installPacked(env)])
  nodes[OLDEST_NODE] = oldest
})

async function installPacked(env: NodeJS.ProcessEnv): Promise<void> {
  packed = await packInto(work, packages, env)
  await installProject(project, packed, env)
}

afterAll(async () => {
  for (const mountpoint of mountpoints.filter(isMounted)) await run(['umount', '-l', mountpoint])
  await registry?.close()
  rmSync(work, { recursive: true, force: true })
})

describe('the packed packages', () => {
  it('are all there, each once, from the packed files', () => {
    const resolved = resolvedFrom(project, '@nydus')
    expect(Object.keys(resolved).sort()).toEqual(names.map((name) => `node_modules/${name}`).sort())
    for (const from of Object.values(resolved)) expect(from).toMatch(/^file:.*\.tgz$/)
  })

  it.each(names)('%s is clean for publint and attw', async (name) => {
    const { tarball } = packedPackage(name)
    const linted = await run(['publint', '--strict', tarball])
    expect(linted.status, linted.output).toBe(0)
    const checked = await run(['attw', '--profile', 'esm-only', '--no-emoji', tarball])
    expect(checked.status, checked.output).toBe(0)
  })

  it.each(names)('%s has a readme, no tests, and declares every package that it imports', (name) => {
    const one = packedPackage(name)
    expect(one.files).toContain('README.md')
    expect(one.files.filter((path) => /(^|\/)test\/|\.test\./.test(path))).toEqual([])
    const imported = importedPackages(join(project, 'node_modules', name), one)
    expect(imported.filter((found) => found !== name)).toEqual([...one.declared].sort())
  })

  it.each(names)('%s holds nothing that its sources do not make', (name) => {
    const { files } = packedPackage(name)
    const made = files.filter((path) => path.endsWith('.d.ts'))
    const sources = made.map((path) => path.replace(/^dist\//, 'src/').replace(/\.d\.ts$/, '.ts'))
    expect(made.length).toBeGreaterThan(0)
    expect(sources.filter((path) => !files.includes(path))).toEqual([])
  })

  it.each(names)('%s holds its own code only', (name) => {
    const root = join(project, 'node_modules', name)
    const maps = packedPackage(name).files.filter((path) => path.endsWith('.js.map'))
    expect(maps.length).toBeGreaterThan(0)
    for (const map of maps) {
      const { sources } = JSON.parse(readFileSync(join(root, map), 'utf8')) as { readonly sources: string[] }
      expect(sources.filter((source) => !/^(\.\.\/)+src\//.test(source))).toEqual([])
    }
  })

  it('import with types, in strict mode and with library checks', async () => {
    writeFileSync(join(project, 'all.ts'), importAllSource(specifiers))
    writeFileSync(join(project, 'wrong.ts'), wrongUseSource(specifiers))
    const options = [
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--types',
      'node',
      '--skipLibCheck',
      'false',
    ]
    const compiled = await run(['tsc', '--noEmit', '--strict', ...options, 'all.ts', 'wrong.ts'], {
      cwd: project,
    })
    expect(compiled.status, compiled.output).toBe(0)
  })

  it('bundle for a browser from rafs-format/browser, which lists an image there', async () => {
    const bundle = await bundleForBrowser(project, '@nydus/rafs-format/browser')
    expect(bundle.externals).toEqual([])
    expect(bundle.inputs).toContain('node_modules/@nydus/rafs-format/dist/browser/index.js')
    await convert(nodes.pinned, 'browser')
    const paths = '[...nydus.listFiles(nydus.openImageLayer(input).bootstrap)].map(({ path }) => path)'
    const listed = bundle.evaluate(paths, await bootstrapLayer('browser'))
    expect(listed).toEqual(expect.arrayContaining(['/', '/etc/motd', '/srv/new', '/srv/hard']))
    expect(listed).not.toContain('/etc/removed')
  })
})

describe.each([
  ['the pinned Node', 'pinned'],
  [`Node ${OLDEST_NODE}`, OLDEST_NODE],
] as const)('on %s', (_, node) => {
  it('every export can be imported', async () => {
    const source = join(project, `all-${node}.mjs`)
    writeFileSync(source, importAllSource(specifiers).replace(': Record<string, number>', ''))
    const ran = await must(['node', source], { cwd: project, env: shellEnvironment(nodes[node]) })
    const counts = JSON.parse(ran.stdout) as Record<string, number>
    expect(Object.keys(counts)).toEqual(specifiers)
    expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([])
  })

  it('npx runs the one program of each app by the name of its package', async () => {
    expect((await npx(node, '@nydus/cli', '--version')).stdout).toMatch(/^\d+\.\d+\.\d+/)
    expect((await npx(node, '@nydus/daemon', '--version')).stdout).toMatch(/\d+\.\d+\.\d+/)
    expect((await npx(node, '@nydus/checker', '--help')).stdout).toContain('nydus-check')
  })

  it.each(bins)('%s helps', async (bin) => {
    const helped = await must([join(project, 'node_modules/.bin', bin), '--help'], {
      env: shellEnvironment(nodes[node]),
    })
    expect(helped.stdout).toContain(bin)
  })

  it('npx @nydus/cli converts and checks', async () => {
    await convert(nodes[node], node)
    const target = ['--target', image(node), '--plain-http']
    await npx(node, '@nydus/cli', 'check', '--source', image('v1'), ...target)
    await npx(node, '@nydus/checker', '--source', image('v1'), ...target)
  })

  const needsRoot = process.getuid?.() !== 0 || !existsSync('/dev/fuse')
  it.skipIf(needsRoot)('npx @nydus/cli mounts', async () => {
    await convert(nodes[node], `mounted-${node}`)
    const mountpoint = mkdtempSync(join(work, 'mnt-'))
    const command = ['npx', '@nydus/cli', 'mount', image(`mounted-${node}`), mountpoint, '--plain-http']
    const cache = ['--cache-dir', mkdtempSync(join(work, 'cache-'))]
    const environment = shellEnvironment(nodes[node])
    const inProject = inEnvironment(environment, project, [...command, ...cache])
    const mount = await startMount(['setsid', ...inProject], mountpoint, READY)
    mountpoints.push(mountpoint)
    // By another process: this one serves the registry meanwhile.
    expect((await must(['cat', join(mountpoint, 'etc/motd')])).stdout).toBe('welcome\n')
    // Ctrl-C reaches every process of a terminal's job: npm, which ends by it, its shell, and the program.
    process.kill(-mount.pid, 'SIGINT')
    await mount.stop('SIGCONT')
    expect(isMounted(mountpoint)).toBe(false)
  })
})

describe('on a Node that is too old', async () => {
  const version = await tooOldSystemNode()
  const reason = version ?? `skipped: the Node on PATH is not older than ${OLDEST_NODE}, or there is none`
  if (version === undefined) process.stderr.write(`\n[nydus] SKIPPED bins on an old Node: ${reason}\n`)
  it.skipIf(version === undefined).each(bins)(`%s says so in one line (${reason})`, async (bin) => {
    const ended = await run([join(project, 'node_modules/.bin', bin), '--version'], {
      env: shellEnvironment(),
    })
    expect(ended.output).toMatch(/^[^\n]*22\.19[^\n]*\n$/)
    expect(ended.status).toBe(78)
  })
})

function packedPackage(name: string): PackedPackage {
  const found = packed.find((one) => one.name === name)
  if (found === undefined) throw new Error(`${name} was not packed`)
  return found
}

function image(tag: string): string {
  return `${registry.host}/image:${tag}`
}

async function npx(node: string, ...command: readonly string[]) {
  return must(['npx', ...command], { cwd: project, env: shellEnvironment(nodes[node]) })
}

async function convert(node: string | undefined, tag: string): Promise<void> {
  const flags = [
    '--source',
    image('v1'),
    '--target',
    image(tag),
    '--plain-http',
    '--work-dir',
    join(work, 'tmp'),
  ]
  await must(['npx', '@nydus/cli', 'convert', ...flags], { cwd: project, env: shellEnvironment(node) })
}

/** The last layer of `tag`, straight from the registry. */
async function bootstrapLayer(tag: string): Promise<Uint8Array> {
  const accept = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = await fetch(`${registry.url}/v2/image/manifests/${tag}`, { headers: { accept } })
  const { layers } = (await manifest.json()) as { readonly layers: readonly { readonly digest: string }[] }
  const blob = await fetch(`${registry.url}/v2/image/blobs/${layers.at(-1)?.digest}`)
  return new Uint8Array(await blob.arrayBuffer())
}
