// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run demo`: makes an image from what this clone has installed, converts it, mounts it (root) or reads it through the library
 * (anyone), and proves it equal to its source. Needs nothing but npm. As root with the Debian tools present it goes on with a
 * Debian image.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRegistry } from '@nydus/testkit'
import { debianImage, IMAGE_PROGRAMS } from '../../e2e/src/debian-image.ts'
import { READY, startMount } from '../../e2e/src/foreground.ts'
import { missingPrograms, must, REPOSITORY, run, stopPrograms } from '../../e2e/src/run.ts'
import { demoLayers } from './layers.ts'
import { pushImage } from './push-image.ts'
import { readLazily } from './read-lazily.ts'

const SMALL_FILE = { demo: ['odd', 'greeting'], debian: ['etc', 'os-release'] } as const

type Facts = [name: string, value: string][]

const work = mkdtempSync(join(tmpdir(), 'nydus-demo-'))
const mountpoint = join(work, 'mnt')
const registry = await startRegistry()
const canMount = process.getuid?.() === 0 && existsSync('/dev/fuse')

function say(text: string): void {
  process.stdout.write(`[demo] ${text}\n`)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

async function timed<T>(work: () => Promise<T>): Promise<[seconds: string, result: T]> {
  const started = performance.now()
  const result = await work()
  return [`${((performance.now() - started) / 1000).toFixed(1)} s`, result]
}

/** Removes everything the demo made, whatever way it ends. */
async function cleanUp(): Promise<void> {
  await run(['umount', '-l', mountpoint]).catch(() => {})
  await registry.close()
  rmSync(work, { recursive: true, force: true })
}

/** Converts, reads one file lazily and checks; gives the facts for the table. */
async function show(name: keyof typeof SMALL_FILE, source: string, facts: Facts): Promise<void> {
  const target = `${source}-nydus`
  const flags = ['--plain-http', '--log-level', 'warn']
  say(`nydus convert --source ${source} --target ${target} --plain-http`)
  const [convertTime, converted] = await timed(() =>
    must([
      'nydus',
      'convert',
      '--source',
      source,
      '--target',
      target,
      ...flags,
      '--work-dir',
      join(work, 'tmp'),
      '--json',
    ]),
  )
  const sizes = JSON.parse(converted.stdout) as { targetImageSize?: number }
  facts.push(['converted in', convertTime])
  if (sizes.targetImageSize !== undefined) facts.push(['converted size', megabytes(sizes.targetImageSize)])

  const before = registry.bytesServed()
  const [readTime, text] = await timed(() => readOne(name, target))
  facts.push([`read of /${SMALL_FILE[name].join('/')}`, `${text.length} bytes, ${readTime}`])
  facts.push(['bytes fetched for it, mount included', megabytes(registry.bytesServed() - before)])

  say(`nydus check --source ${source} --target ${target} --plain-http${canMount ? ' --mount' : ''}`)
  const [checkTime, checked] = await timed(() =>
    run([
      'nydus',
      'check',
      '--source',
      source,
      '--target',
      target,
      ...flags,
      '--json',
      ...(canMount ? ['--mount'] : []),
    ]),
  )
  if (checked.status > 1) throw new Error(checked.output)
  const report = JSON.parse(checked.stdout) as { pathCount: number; findingCount: number }
  facts.push(
    ['checked in', checkTime],
    ['files compared', String(report.pathCount)],
    ['differences', String(report.findingCount)],
  )
  if (report.findingCount > 0) process.exitCode = 1
}

/** Reads the small file through a real mount as root, through the library otherwise. */
async function readOne(name: keyof typeof SMALL_FILE, target: string): Promise<string> {
  if (!canMount) {
    say('not root or no /dev/fuse: the mount is left out, the file is read through the library instead')
    return (await readLazily(target, SMALL_FILE[name], join(work, `cache-${name}`))).toString()
  }
  mkdirSync(mountpoint, { recursive: true })
  say(`nydus mount ${target} ${mountpoint} --plain-http`)
  const command = ['nydus', 'mount', target, mountpoint, '--plain-http', '--work-dir', join(work, 'tmp')]
  const mount = await startMount(command, mountpoint, READY)
  const { stdout } = await must(['cat', join(mountpoint, ...SMALL_FILE[name])])
  const status = await mount.stop('SIGINT')
  if (status !== 0) throw new Error(`the mount command ended with ${status}:\n${mount.output()}`)
  return stdout
}

function printTable(title: string, facts: Facts): void {
  const width = Math.max(...facts.map(([name]) => name.length))
  process.stdout.write(`\n${title}\n`)
  for (const [name, value] of facts) process.stdout.write(`  ${name.padEnd(width)}  ${value}\n`)
  process.stdout.write('\n')
}

async function demoImage(): Promise<void> {
  const source = `${registry.host}/demo/app:v1`
  say('making an image of four layers from the installed packages')
  const [time, layers] = await timed(() => pushImage(source, demoLayers(REPOSITORY), work))
  const facts: Facts = layers.map(({ compressed, uncompressed }, index) => [
    `layer ${index + 1}`,
    `${megabytes(uncompressed)}, ${megabytes(compressed)} gzipped`,
  ])
  facts.push(['made and pushed in', time])
  await show('demo', source, facts)
  printTable('The demo image', facts)
}

async function debian(): Promise<void> {
  const missing = missingPrograms([...IMAGE_PROGRAMS, 'skopeo'])
  if (process.getuid?.() !== 0 || missing.length > 0) {
    const reason = missing.length > 0 ? `not installed: ${missing.join(', ')}` : 'root is needed'
    say(`the Debian image is left out (${reason})`)
    return
  }
  say('making a Debian image with Python (about a minute the first time)')
  const { directory, tag } = await debianImage()
  const source = `${registry.host}/demo/debian:v1`
  await must([
    'skopeo',
    'copy',
    '--insecure-policy',
    '--dest-tls-verify=false',
    `oci:${directory}:${tag}`,
    `docker://${source}`,
  ])
  const facts: Facts = []
  await show('debian', source, facts)
  printTable('The Debian image', facts)
}

let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted) return
    interrupted = true
    say('interrupted: removing what was made')
    void stopPrograms()
      .then(cleanUp)
      .finally(() => process.exit(130))
  })
}
try {
  await demoImage()
  await debian()
} catch (error) {
  if (!interrupted)
    process.stderr.write(`[demo] failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  if (!interrupted) await cleanUp()
}
