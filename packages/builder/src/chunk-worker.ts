// SPDX-License-Identifier: Apache-2.0
/** Entry of this package's worker threads; `workerData` says what the thread is for, and only that is loaded. */
import { parentPort, workerData } from 'node:worker_threads'
import type { WorkerRequest } from './chunk/chunk-session.ts'
import type { DecodeRequest } from './decode/decode-session.ts'
import type { WorkerRole } from './worker/worker-entry.ts'

const role = workerData as WorkerRole
if (role.role === 'decode') {
  const { DecodeSession } = await import('./decode/decode-session.ts')
  const session = new DecodeSession(role.buffers, (reply) => parentPort?.postMessage(reply))
  parentPort?.on('message', (request: DecodeRequest) => session.handle(request))
} else {
  const { handleChunkRequest } = await import('./chunk/chunk-session.ts')
  parentPort?.on('message', (request: WorkerRequest) => {
    const reply = handleChunkRequest(request)
    if (reply !== undefined) parentPort?.postMessage(reply)
  })
}
