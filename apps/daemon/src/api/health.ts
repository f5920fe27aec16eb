// SPDX-License-Identifier: Apache-2.0
/** `GET /api/v1/daemon/health`: one look tells whether the daemon serves, and how each image is served. */
import type { ApiPorts } from './api-ports.ts'
import type { ApiReply } from './api-reply.ts'

/** 200 while it runs, 503 before and after. */
export function healthOf(ports: ApiPorts): ApiReply {
  const state = ports.state()
  const isServing = state === 'RUNNING'
  return {
    status: isServing ? 200 : 503,
    body: {
      status: isServing ? 'ok' : 'unavailable',
      state,
      errors: ports.events.record().total_errors,
      mounts: ports.mounts.list().map((mounted) => {
        if (mounted.type !== 'Rafs') return { mountpoint: mounted.path, type: mounted.type }
        const { fuse, blobs } = mounted.image.stats()
        return {
          mountpoint: mounted.path,
          type: mounted.type,
          data_plane: mounted.image.dataPlane,
          waiting_reads: fuse.pending,
          failed_requests: fuse.failures,
          cached_chunks: blobs.reduce((total, { readyChunks }) => total + readyChunks, 0),
        }
      }),
    },
  }
}
