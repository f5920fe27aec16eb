// SPDX-License-Identifier: Apache-2.0
/** The metrics of one image in the shapes of the original. What this daemon does not have is zero, and never missing. */
import type { MountedRafs } from '../mounted.ts'

type Document = Readonly<Record<string, unknown>>

const FOPS = 15
const CLASSES = 8
const OPEN = 2
const READ_OPCODE = 15

/** Answer to `GET /api/v1/metrics`. In the erofs plane only the reads of blob devices are seen, for all images together. */
export function fsMetrics({ path, config, image }: MountedRafs): Document {
  const { fuse } = image.stats()
  const { fops } = fuse
  const hits = fops?.hits ?? zeros(FOPS)
  return {
    files_account_enabled: config.accounting.files,
    access_pattern_enabled: config.accounting.pattern,
    record_latest_read_files_enabled: config.accounting.latest,
    measure_latency: true,
    id: path,
    nr_opens: hits[OPEN] ?? 0,
    data_read: fuse.readBytes,
    block_count_read: fops?.readSizes ?? zeros(CLASSES),
    fop_hits: hits,
    fop_errors: fops?.errors ?? zeros(FOPS),
    fop_cumulative_latency_total: fops?.microseconds ?? zeros(FOPS),
    read_latency_dist: fops?.readLatencies ?? zeros(CLASSES),
  }
}

/** Answer to `GET /api/v1/metrics/backend`. */
export function backendMetrics({ config, image, meter }: MountedRafs): Document {
  const counts = meter.counts()
  const errors = image.stats().blobs.reduce((total, { failedFetches }) => total + failedFetches, 0)
  return {
    backend_type: config.backend.type,
    read_count: counts.reads,
    read_errors: errors,
    read_amount_total: counts.bytes,
    read_cumulative_latency_millis_total: counts.milliseconds,
    read_cumulative_latency_millis_dist: counts.millisecondsBySize,
    read_count_block_size_dist: counts.readsBySize,
    read_latency_sizes_dist: counts.latencyBySize,
  }
}

/** Answer to `GET /api/v1/metrics/blobcache`. The snapshotter deletes files of the cache by these names. */
export function cacheMetrics({ config, image }: MountedRafs): Document {
  const { fuse, blobs } = image.stats()
  const extension = config.storage.kind === 'compressed' ? 'raw' : 'data'
  const sum = (of: (blob: (typeof blobs)[number]) => number): number =>
    blobs.reduce((total, blob) => total + of(blob), 0)
  const isOpen = new Set(blobs.map(({ blobId }) => blobId))
  const isComplete =
    image.bootstrap.blobs.every(({ blobId }) => isOpen.has(blobId)) &&
    blobs.every(({ readyChunks, chunkCount }) => readyChunks === chunkCount)
  return {
    underlying_files: image.bootstrap.blobs.map(({ blobId }) => `${blobId}.blob.${extension}`),
    store_path: config.cacheDir,
    partial_hits: 0,
    whole_hits: fuse.reads - fuse.misses,
    total: fuse.reads,
    entries_count: sum(({ readyChunks }) => readyChunks),
    prefetch_data_amount: 0,
    prefetch_requests_count: 0,
    prefetch_workers: config.prefetch.enable ? config.prefetch.threads : 0,
    prefetch_unmerged_chunks: 0,
    prefetch_cumulative_time_millis: 0,
    prefetch_begin_time_secs: 0,
    prefetch_begin_time_millis: 0,
    prefetch_end_time_secs: 0,
    prefetch_end_time_millis: 0,
    buffered_backend_size: 0,
    data_all_ready: isComplete,
  }
}

/** Answer to `GET /api/v1/metrics/inflight`: the reads that wait for their data. */
export function inflight(mounts: readonly MountedRafs[]): readonly Document[] {
  return mounts.flatMap(({ image }) =>
    (image.stats().fuse.inflight ?? []).map(({ nid, unique, since }) => ({
      inode: nid,
      opcode: READ_OPCODE,
      unique,
      timestamp_secs: Math.floor(since / 1000),
    })),
  )
}

function zeros(count: number): number[] {
  return new Array<number>(count).fill(0)
}
