// SPDX-License-Identifier: Apache-2.0
/** `/api/v1/mount`, and what the refusals of the table of mounts look like to clients. */
import { describeError, redact } from '@nydus/base/error'
import { MountRefusal } from '../mount-refusal.ts'
import type { MountTable } from '../mount-table.ts'
import { type ApiReply, type ApiRequest, BAD_REQUEST, errorReply, NO_CONTENT } from './api-reply.ts'
import { parseMount } from './parse-body.ts'

/** In the original's words, as far as they do not name its parts. */
const REFUSALS: Readonly<Record<MountRefusal['reason'], (message: string) => string>> = {
  exists: () => `"object or filesystem already exists"`,
  missing: () => `"object or filesystem doesn't exist"`,
  path: (message) => JSON.stringify(`VFS failed to handle request, ${message}`),
  type: (message) => JSON.stringify(`invalid argument \`${message}\``),
  config: (message) => rafs('Failed to load config: failed to parse configuration information', message),
  bootstrap: (message) => rafs('Failed to fill superBlock', message),
  device: (message) => rafs('Failed to create device', message),
  passthrough: (message) => JSON.stringify(`passthroughfs failed to handle request, ${message}`),
}

/** Answers a request for `/api/v1/mount`; a missing mountpoint is told before a wrong method. */
export async function answerMount(
  { method, body }: ApiRequest,
  mountpoint: string | null,
  mounts: MountTable,
): Promise<ApiReply> {
  if (mountpoint === null) return missingMountpoint()
  if (method === 'DELETE') return body === '' ? change(() => mounts.unmount(mountpoint)) : BAD_REQUEST
  if ((method !== 'POST' && method !== 'PUT') || body === '') return BAD_REQUEST
  const parsed = parseMount(body)
  if ('reply' in parsed) return parsed.reply
  const command = parsed.value
  return change(() =>
    method === 'POST' ? mounts.mount(mountpoint, command) : mounts.remount(mountpoint, command),
  )
}

/** The reply when the query lacks `mountpoint`. */
export function missingMountpoint(): ApiReply {
  return errorReply(400, `QueryString("'mountpoint' should be specified in query string")`)
}

async function change(work: () => Promise<unknown>): Promise<ApiReply> {
  try {
    await work()
    return NO_CONTENT
  } catch (error) {
    return errorReply(500, `Mount(MountFilesystem(Other(${refusalText(error)})))`)
  }
}

function refusalText(error: unknown): string {
  const message = redact(describeError(error)).replaceAll('\n', ' ')
  if (error instanceof MountRefusal) return REFUSALS[error.reason](redact(error.message))
  return rafs('Failed to configure device', message)
}

function rafs(stage: string, message: string): string {
  return JSON.stringify(`RAFS failed to handle request, ${stage}: ${message}\``)
}
