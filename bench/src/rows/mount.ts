// SPDX-License-Identifier: Apache-2.0
/** Rows: a mounted image, cold and with its cache on disk, served by our daemon and by the original's. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ForegroundMount, startMount } from '../../../e2e/src/foreground.ts'
import { pullNydusImage } from '../../../e2e/src/nydus-image.ts'
import { type CountingProxy, startCountingProxy } from '../../../e2e/src/registry.ts'
import { must } from '../../../e2e/src/run.ts'
import { cpuSeconds, peakMemoryMiB, processTree } from '../measure.ts'
import type { Report } from '../report.ts'
import type { Setting } from '../setting.ts'
import type { ConvertedImages } from './convert.ts'

type Figures = Record<string, number>

/** Figure → its row: name, unit, bar, and whether more is better. */
const ROWS: readonly [figure: string, work: string, unit: string, bar: string, higherIsBetter?: boolean][] = [
  ['mountSeconds', 'mount ready', 's', '≤ 0.2 s'],
  ['appColdSeconds', 'cold start of the app (imports pandas, numpy)', 's', '≤ 0.8×'],
  ['appColdGets', 'the same, GETs', '', '≤ 60'],
  ['appColdMB', 'the same, fetched', 'MB', '≤ 45'],
  ['tarColdSeconds', '`tar` of everything, rest not cached', 's', '≤ 0.7×'],
  ['memoryMiB', "daemon's memory after reading everything", 'MiB', '≤ 120 MB'],
  ['tarDiskSeconds', '`tar`, cached on disk, page cache dropped', 's', '≤ 1.1× (fuse)'],
  ['tarDiskCpu', "daemon's CPU for it", 's', '≤ 0.5× (erofs)'],
  ['findSeconds', '`find -printf`, cold', 's', '≤ 1.0× (fuse)'],
  ['statCold', 'stat, cold', 'µs', '≤ 1.2× (fuse)'],
  ['statWarm', 'stat, warm', 'µs', '1.0×'],
  ['missingCold', 'negative lookup, cold', 'µs', '≤ 1.2× (fuse)'],
  ['missingWarm', 'negative lookup, warm', 'µs', '1.0×'],
  ['openCold', 'open+read+close of small files, cold', 'µs', '≤ 1.2× (fuse)'],
  ['openWarm', 'open+read+close of small files, warm', 'µs', '≤ 1.0× (fuse)'],
  ['sequentialMiBs', 'sequential 128 KiB, page cache dropped', 'MiB/s', '≥ 1.0× (fuse)', true],
  ['randomIops', 'random 4 KiB, page cache dropped', 'IOPS', '≥ 1.0× (fuse)', true],
]

/** Both daemons serve the same image, the one that we made. */
export async function mountRows(setting: Setting, report: Report, images: ConvertedImages): Promise<void> {
  const image = await pullNydusImage(images.ours, join(setting.directory('pulled'), 'layout'))
  const repository = images.ours.slice(images.ours.indexOf('/') + 1, images.ours.lastIndexOf(':'))
  const proxy = await startCountingProxy(setting.registry.host)
  const context = { setting, proxy, repository, bootstrap: image.bootstrap }
  const ours = await figures(context, 'ours', ['nydusd', 'fuse'])
  const original = setting.peers
    ? await figures(context, 'original', [setting.peers.nydusd, 'fuse'])
    : undefined
  await proxy.close()
  for (const [figure, work, unit, bar, higherIsBetter] of ROWS) {
    const value = ours[figure]
    if (value === undefined) continue
    report.add({
      work,
      unit,
      ours: value,
      original: original?.[figure],
      bar,
      ...(higherIsBetter ? { higherIsBetter } : {}),
    })
  }
}

interface Context {
  readonly setting: Setting
  readonly proxy: CountingProxy
  readonly repository: string
  readonly bootstrap: string
}

async function figures(context: Context, name: string, command: readonly string[]): Promise<Figures> {
  const { setting, proxy } = context
  const mountpoint = setting.directory('mnt')
  const cache = setting.directory(`cache-${name}`)
  const line = [...command, ...daemonArguments(context, name, cache, mountpoint)]
  const found: Figures = {}

  await probe(mountpoint, 'drop')
  let started = performance.now()
  let mount = await startMount(line, mountpoint)
  found.mountSeconds = (performance.now() - started) / 1000
  const [bytes, gets] = [proxy.bytes(), proxy.answers()]
  found.appColdSeconds = (await probe(mountpoint, 'app')).appSeconds ?? Number.NaN
  found.appColdMB = (proxy.bytes() - bytes) / 1e6
  found.appColdGets = proxy.answers() - gets
  found.tarColdSeconds = (await probe(mountpoint, 'tar')).tarSeconds ?? Number.NaN
  found.memoryMiB = Math.max(...processTree(mount.pid).map(peakMemoryMiB))
  await stop(mount)

  started = performance.now()
  mount = await startMount(line, mountpoint)
  await probe(mountpoint, 'drop')
  const cpu = cpuSeconds(mount.pid)
  found.tarDiskSeconds = (await probe(mountpoint, 'tar')).tarSeconds ?? Number.NaN
  found.tarDiskCpu = cpuSeconds(mount.pid) - cpu
  Object.assign(found, await probe(mountpoint, 'find', 'metadata', 'throughput'))
  await stop(mount)
  rmSync(cache, { recursive: true, force: true })
  return found
}

async function stop(mount: ForegroundMount): Promise<void> {
  const status = await mount.stop('SIGTERM')
  if (status !== 0) throw new Error(`the daemon ended with ${status}:\n${mount.output()}`)
}

function daemonArguments(
  { setting, proxy, repository, bootstrap }: Context,
  name: string,
  cache: string,
  mountpoint: string,
): string[] {
  const config = join(setting.work, `config-${name}.json`)
  const document = {
    device: {
      backend: {
        type: 'registry',
        config: { scheme: 'http', host: proxy.host, repo: repository, timeout: 10, connect_timeout: 5 },
      },
      cache: { type: 'blobcache', config: { work_dir: cache } },
    },
    mode: 'direct',
    digest_validate: false,
    iostats_files: false,
    enable_xattr: true,
    fs_prefetch: { enable: false, threads_count: 4 },
  }
  writeFileSync(config, JSON.stringify(document))
  const api = join(setting.work, `api-${name}.sock`)
  return [
    '--config',
    config,
    '--bootstrap',
    bootstrap,
    '--mountpoint',
    mountpoint,
    '--apisock',
    api,
    '--log-level',
    'warn',
  ]
}

async function probe(mountpoint: string, ...probes: readonly string[]): Promise<Figures> {
  const script = join(import.meta.dirname, '../mount-probe.ts')
  const { stdout } = await must([process.execPath, script, mountpoint, ...probes], { timeoutMs: 600_000 })
  return JSON.parse(stdout) as Figures
}
