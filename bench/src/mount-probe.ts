// SPDX-License-Identifier: Apache-2.0
/**
 * Reads from a mounted image and prints one JSON object of figures. Runs in a process of its own, so that it never
 * blocks the process that serves the mount.
 *
 * usage: node mount-probe.ts MOUNTPOINT PROBE …   (probes: see PROBES)
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, lstatSync, openSync, readSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { APP } from './image.ts'

const SMALL_FILE_BYTES = 64 * 1024
const SMALL_FILES = 3000
const RANDOM_READS = 4000

type Figures = Record<string, number>

/** Forgets every cached page, dentry and inode of the machine (root). */
function dropCaches(): void {
  execFileSync('sync')
  writeFileSync('/proc/sys/vm/drop_caches', '3')
}

function seconds(work: () => void): number {
  const started = performance.now()
  work()
  return (performance.now() - started) / 1000
}

function run(command: readonly string[]): void {
  const [file, ...args] = command as [string, ...string[]]
  const result = spawnSync(file, args, { stdio: ['ignore', 'ignore', 'pipe'], maxBuffer: 1 << 28 })
  if (result.status !== 0) throw new Error(`${command.join(' ')}: ${result.stderr.toString().slice(-500)}`)
}

/** Regular files below `root` whose names are UTF-8, with their sizes: by `find`, as Node cannot list every name. */
function regularFiles(root: string): { path: string; size: number }[] {
  const listing = execFileSync('find', [root, '-xdev', '-type', 'f', '-printf', '%s %p\\0'], {
    maxBuffer: 1 << 28,
  })
  return listing
    .toString()
    .split('\0')
    .filter((line) => line !== '' && !line.includes('\ufffd'))
    .map((line) => {
      const space = line.indexOf(' ')
      return { size: Number(line.slice(0, space)), path: line.slice(space + 1) }
    })
}

function smallFiles(mountpoint: string): string[] {
  const small = regularFiles(join(mountpoint, 'usr/lib')).filter(
    ({ size }) => size > 0 && size < SMALL_FILE_BYTES,
  )
  return small.slice(0, SMALL_FILES).map(({ path }) => path)
}

function largestFile(mountpoint: string): { path: string; size: number } {
  const files = regularFiles(mountpoint)
  return files.reduce((largest, file) => (file.size > largest.size ? file : largest))
}

/** Mean microseconds of `work` over `paths`. */
function perPath(paths: readonly string[], work: (path: string) => void): number {
  return (seconds(() => paths.forEach(work)) / paths.length) * 1e6
}

const buffer = Buffer.alloc(1 << 17)
function openReadClose(path: string): void {
  const fd = openSync(path, 'r')
  readSync(fd, buffer, 0, SMALL_FILE_BYTES, 0)
  closeSync(fd)
}
function statMissing(path: string): void {
  statSync(`${path}.missing`, { throwIfNoEntry: false })
}

/** Each probe adds its figures. Cold means: page cache dropped, the blob cache on disk untouched. */
const PROBES: Record<string, (mountpoint: string) => Figures> = {
  app: (mountpoint) => ({
    appSeconds: seconds(() => run(['chroot', mountpoint, ...APP])),
  }),
  tar: (mountpoint) => ({
    tarSeconds: seconds(() =>
      run(['sh', '-c', `tar cf - --one-file-system -C ${mountpoint} . | cat > /dev/null`]),
    ),
  }),
  find: (mountpoint) => {
    dropCaches()
    return {
      findSeconds: seconds(() => run(['find', mountpoint, '-xdev', '-printf', '%m %u %s %T@ %p\\n'])),
    }
  },
  metadata: (mountpoint) => {
    const files = smallFiles(mountpoint)
    dropCaches()
    const statCold = perPath(files, (path) => lstatSync(path))
    const statWarm = perPath(files, (path) => lstatSync(path))
    dropCaches()
    const openCold = perPath(files, openReadClose)
    const openWarm = perPath(files, openReadClose)
    const missingCold = perPath(files, statMissing)
    const missingWarm = perPath(files, statMissing)
    return { statCold, statWarm, openCold, openWarm, missingCold, missingWarm }
  },
  throughput: (mountpoint) => {
    const { path, size } = largestFile(mountpoint)
    const fd = openSync(path, 'r')
    dropCaches()
    const sequential = seconds(() => {
      for (let at = 0; at < size; at += buffer.length) readSync(fd, buffer, 0, buffer.length, at)
    })
    dropCaches()
    // A fixed linear congruential sequence: every run reads the same offsets.
    let state = 12345
    const random = seconds(() => {
      for (let i = 0; i < RANDOM_READS; i++) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0
        readSync(fd, buffer, 0, 4096, (state % Math.max(1, Math.floor(size / 4096))) * 4096)
      }
    })
    closeSync(fd)
    return { sequentialMiBs: size / (1 << 20) / sequential, randomIops: RANDOM_READS / random }
  },
  drop: () => {
    dropCaches()
    return {}
  },
}

const [mountpoint, ...probes] = process.argv.slice(2) as [string, ...string[]]
const figures: Figures = {}
for (const probe of probes) Object.assign(figures, PROBES[probe]?.(mountpoint))
process.stdout.write(`${JSON.stringify(figures)}\n`)
