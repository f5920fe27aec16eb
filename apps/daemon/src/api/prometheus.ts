// SPDX-License-Identifier: Apache-2.0
/** `GET /metrics`: the counts of all images in the exposition format of Prometheus. */
import { FOP_NAMES } from '@nydus/fuse-fs'
import { Counter, Gauge, Registry } from 'prom-client'
import { rafsMounts } from '../mount-table.ts'
import type { MountedRafs } from '../mounted.ts'
import { VERSION } from '../version.ts'
import type { ApiPorts } from './api-ports.ts'
import type { ApiReply } from './api-reply.ts'

const LABELS = ['mountpoint', 'plane'] as const

/** Renders the counts of this moment. */
export async function exposeMetrics(ports: ApiPorts): Promise<ApiReply> {
  const registry = new Registry()
  const gauge = (name: string, help: string, labelNames: readonly string[] = LABELS) =>
    new Gauge({ name: `nydusd_${name}`, help, labelNames, registers: [registry] })
  const images = rafsMounts(ports.mounts)
  gauge('info', 'version of the daemon', ['version', 'state']).set(
    { version: VERSION.package_ver, state: ports.state() },
    1,
  )
  gauge('resident_memory_bytes', 'memory of the process', []).set(process.memoryUsage.rss())
  gauge('mounts', 'images that are mounted', []).set(images.length)
  gauge('recorded_errors', 'errors in the ring of events', []).set(ports.events.record().total_errors)
  const pending = gauge('pending_reads', 'reads that wait for their data')
  const cached = gauge('cached_chunks', 'chunks in the cache directory')
  countFuse(registry, images)
  countBackend(registry, images)
  for (const image of images) {
    const { fuse, blobs } = image.image.stats()
    pending.set(labelsOf(image), fuse.pending)
    cached.set(
      labelsOf(image),
      blobs.reduce((total, { readyChunks }) => total + readyChunks, 0),
    )
  }
  return { status: 200, text: { type: registry.contentType, content: await registry.metrics() } }
}

function labelsOf({ path, image }: MountedRafs): Record<(typeof LABELS)[number], string> {
  return { mountpoint: path, plane: image.dataPlane }
}

function countFuse(registry: Registry, images: readonly MountedRafs[]): void {
  const counter = counterIn(registry)
  const bytes = counter('read_bytes', 'bytes given to the kernel')
  const reads = counter('reads', 'reads of the kernel')
  const misses = counter('read_misses', 'reads that had to fetch')
  const failures = counter('failures', 'requests that failed')
  const requests = counter('requests', 'requests of the kernel', [...LABELS, 'operation'])
  for (const image of images) {
    const labels = labelsOf(image)
    const { fuse } = image.image.stats()
    bytes.inc(labels, fuse.readBytes)
    reads.inc(labels, fuse.reads)
    misses.inc(labels, fuse.misses)
    failures.inc(labels, fuse.failures)
    for (const [index, operation] of FOP_NAMES.entries())
      requests.inc({ ...labels, operation }, fuse.fops?.hits[index] ?? 0)
  }
}

function countBackend(registry: Registry, images: readonly MountedRafs[]): void {
  const counter = counterIn(registry)
  const labelNames = [...LABELS, 'backend']
  const reads = counter('backend_reads', 'reads from the backend', labelNames)
  const bytes = counter('backend_read_bytes', 'bytes that came from the backend', labelNames)
  const seconds = counter('backend_read_seconds', 'time spent on reads from the backend', labelNames)
  const errors = counter('backend_errors', 'reads from the backend that failed', labelNames)
  for (const image of images) {
    const labels = { ...labelsOf(image), backend: image.config.backend.type }
    const counts = image.meter.counts()
    reads.inc(labels, counts.reads)
    bytes.inc(labels, counts.bytes)
    seconds.inc(labels, counts.milliseconds / 1000)
    errors.inc(
      labels,
      image.image.stats().blobs.reduce((total, { failedFetches }) => total + failedFetches, 0),
    )
  }
}

function counterIn(registry: Registry) {
  return (name: string, help: string, labelNames: readonly string[] = LABELS) =>
    new Counter({ name: `nydusd_${name}_total`, help, labelNames, registers: [registry] })
}
