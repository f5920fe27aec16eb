// SPDX-License-Identifier: Apache-2.0
/** Uploads: monolithic (one POST, or POST and PUT), chunked (POST, PATCH …, PUT) and mounts from another repository. */
import { randomUUID } from 'node:crypto'
import type { Spool, Upload } from './content-store.ts'
import { answer, type Exchange, readBody, refuse } from './exchange.ts'
import type { OpenUpload, Repositories } from './repositories.ts'

/** `/v2/<name>/blobs/uploads/[<id>]`. */
export async function uploadRoute(
  exchange: Exchange,
  repositories: Repositories,
  spool: Spool,
): Promise<void> {
  const { method, reference: id, repository } = exchange.log
  if (id === '') {
    if (method === 'POST') await startUpload(exchange, repositories, spool)
    else await refuse(exchange, 405, 'UNSUPPORTED', `${method} is not supported`)
    return
  }
  const open = repositories.uploads.get(id)
  const state = exchange.url.searchParams.get('_state')
  if (open === undefined || open.repository !== repository) {
    await refuse(exchange, 404, 'BLOB_UPLOAD_UNKNOWN', `no upload ${id}`)
  } else if (method !== 'GET' && state !== String(open.state)) {
    await refuse(exchange, 400, 'BLOB_UPLOAD_INVALID', `state ${state} is not the last one given out`)
  } else {
    await continueUpload(exchange, repositories, id, open)
  }
}

async function startUpload(exchange: Exchange, repositories: Repositories, spool: Spool): Promise<void> {
  const name = exchange.log.repository
  const { searchParams } = exchange.url
  const mounted = repositories.blob(searchParams.get('from') ?? '', searchParams.get('mount') ?? '')
  if (mounted !== undefined) {
    repositories.linkBlob(name, mounted)
    await created(exchange, name, mounted.digest)
    return
  }
  const upload = spool.startUpload()
  const digest = searchParams.get('digest')
  if (digest !== null) {
    await readBody(exchange, (bytes) => upload.append(bytes))
    await finish(exchange, repositories, upload, digest)
    return
  }
  const id = randomUUID()
  const open: OpenUpload = { repository: name, upload, state: 0 }
  repositories.uploads.set(id, open)
  await accepted(exchange, 202, id, open)
}

async function continueUpload(
  exchange: Exchange,
  repositories: Repositories,
  id: string,
  open: OpenUpload,
): Promise<void> {
  const { method } = exchange.log
  if (method === 'GET') await accepted(exchange, 204, id, open)
  else if (method === 'PATCH') await patch(exchange, id, open)
  else if (method === 'PUT') {
    const digest = exchange.url.searchParams.get('digest') ?? ''
    await readBody(exchange, (bytes) => open.upload.append(bytes))
    repositories.uploads.delete(id)
    await finish(exchange, repositories, open.upload, digest)
  } else if (method === 'DELETE') {
    repositories.uploads.delete(id)
    open.upload.discard()
    await answer(exchange, 204)
  } else await refuse(exchange, 405, 'UNSUPPORTED', `${method} is not supported`)
}

async function patch(exchange: Exchange, id: string, open: OpenUpload): Promise<void> {
  const range = /^(\d+)-(\d+)$/.exec(exchange.request.headers['content-range'] ?? '')
  const { size } = open.upload
  if (range !== null && Number(range[1]) !== size) {
    await refuse(exchange, 416, 'RANGE_INVALID', `the upload has ${size} bytes`, { range: rangeOf(size) })
    return
  }
  await readBody(exchange, (bytes) => open.upload.append(bytes))
  if (range !== null && open.upload.size !== Number(range[2]) + 1) {
    await refuse(
      exchange,
      400,
      'SIZE_INVALID',
      `the upload has ${open.upload.size} bytes, Content-Range said ${range[0]}`,
    )
    return
  }
  open.state += 1
  await accepted(exchange, 202, id, open)
}

async function finish(
  exchange: Exchange,
  repositories: Repositories,
  upload: Upload,
  digest: string,
): Promise<void> {
  const content = upload.finish()
  if (content.digest !== digest) {
    upload.discard()
    await refuse(exchange, 400, 'DIGEST_INVALID', `content has ${content.digest}, expected ${digest}`)
    return
  }
  repositories.linkBlob(exchange.log.repository, content)
  await created(exchange, exchange.log.repository, digest)
}

async function created(exchange: Exchange, name: string, digest: string): Promise<void> {
  await answer(exchange, 201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest })
}

async function accepted(exchange: Exchange, status: number, id: string, open: OpenUpload): Promise<void> {
  await answer(exchange, status, {
    location: `/v2/${open.repository}/blobs/uploads/${id}?_state=${open.state}`,
    range: rangeOf(open.upload.size),
    'docker-upload-uuid': id,
  })
}

function rangeOf(size: number): string {
  return `0-${Math.max(0, size - 1)}`
}
