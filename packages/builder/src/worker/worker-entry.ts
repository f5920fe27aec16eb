// SPDX-License-Identifier: Apache-2.0
/** How worker threads of this package are started, from the sources and from the bundle. */
import type { WorkerOptions } from 'node:worker_threads'
import type { DecodeBuffers } from '../decode/decode-session.ts'

/** What a thread is for; its `workerData`. */
export type WorkerRole =
  | { readonly role: 'chunks' }
  | { readonly role: 'decode'; readonly buffers: DecodeBuffers }

/** Threads keep little: small heaps are collected often, and stay in the processor's cache. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 256 }

/** chunk-worker beside this module: `.ts` in the sources, `.js` in the bundle, wherever the bundler put this code. */
export function workerEntry(role: WorkerRole): { readonly url: URL; readonly options: WorkerOptions } {
  const fromSource = import.meta.url.endsWith('.ts')
  return {
    url: new URL(fromSource ? '../chunk-worker.ts' : './chunk-worker.js', import.meta.url),
    options: {
      workerData: role,
      resourceLimits: RESOURCE_LIMITS,
      ...(fromSource ? { execArgv: ['--conditions=@nydus/source'] } : {}),
    },
  }
}
