// SPDX-License-Identifier: Apache-2.0
/** GET, HEAD and PUT of manifests, and the list of tags. */
import { memoryContent } from './content-store.ts'
import { answer, answerContent, type Exchange, readSmallBody, refuse } from './exchange.ts'
import type { Repositories, Repository } from './repositories.ts'

const MAX_MANIFEST_BYTES = 4 << 20
const TAG = /^\w[\w.-]{0,127}$/

/** `/v2/<name>/manifests/<reference>`. */
export async function manifestRoute(exchange: Exchange, repositories: Repositories): Promise<void> {
  const { repository, reference, method } = exchange.log
  if (method === 'PUT') {
    await putManifest(exchange, repositories)
    return
  }
  if (method !== 'GET' && method !== 'HEAD') {
    await refuse(exchange, 405, 'UNSUPPORTED', `${method} is not supported`)
    return
  }
  const found = repositories.manifest(repository, reference)
  if (found === undefined)
    await refuse(exchange, 404, 'MANIFEST_UNKNOWN', `no manifest ${reference} in ${repository}`)
  else await answerContent(exchange, found.content, { 'content-type': found.mediaType })
}

/** `/v2/<name>/tags/list`. */
export async function tagsRoute(exchange: Exchange, repositories: Repositories): Promise<void> {
  const name = exchange.log.repository
  const found = repositories.find(name)
  if (found === undefined) {
    await refuse(exchange, 404, 'NAME_UNKNOWN', `no repository ${name}`)
    return
  }
  const body = Buffer.from(JSON.stringify({ name, tags: [...found.tags.keys()].sort() }))
  await answer(exchange, 200, { 'content-type': 'application/json' }, body)
}

async function putManifest(exchange: Exchange, repositories: Repositories): Promise<void> {
  const { repository: name, reference } = exchange.log
  const bytes = await readSmallBody(exchange, MAX_MANIFEST_BYTES)
  const content = memoryContent(bytes)
  const isDigest = reference.startsWith('sha256:')
  if (isDigest && content.digest !== reference) {
    await refuse(exchange, 400, 'DIGEST_INVALID', `content has ${content.digest}`)
    return
  }
  if (!isDigest && !TAG.test(reference)) {
    await refuse(exchange, 400, 'TAG_INVALID', `tag ${reference}`)
    return
  }
  const repository = repositories.repository(name)
  const missing = missingReferences(bytes, repository)
  if (missing === undefined || missing.length > 0) {
    await refuse(
      exchange,
      400,
      missing === undefined ? 'MANIFEST_INVALID' : 'MANIFEST_BLOB_UNKNOWN',
      `missing: ${missing}`,
    )
    return
  }
  const mediaType = exchange.request.headers['content-type'] ?? 'application/octet-stream'
  repository.manifests.set(content.digest, { content, mediaType })
  if (!isDigest) repository.tags.set(reference, content.digest)
  await answer(exchange, 201, {
    location: `/v2/${name}/manifests/${content.digest}`,
    'docker-content-digest': content.digest,
  })
}

/** Digests that the manifest names and the repository lacks; undefined when it is not a manifest. */
function missingReferences(bytes: Buffer, repository: Repository): string[] | undefined {
  type Part = { readonly digest?: string; readonly urls?: unknown }
  try {
    const document = JSON.parse(bytes.toString()) as { config?: Part; layers?: Part[]; manifests?: Part[] }
    const blobs = [document.config, ...(document.layers ?? [])].filter((part) => part !== undefined)
    return [
      ...blobs.filter(({ digest, urls }) => urls === undefined && !repository.blobs.has(digest ?? '')),
      ...(document.manifests ?? []).filter(({ digest }) => !repository.manifests.has(digest ?? '')),
    ].map(({ digest }) => digest ?? 'a descriptor without digest')
  } catch {
    return undefined
  }
}
