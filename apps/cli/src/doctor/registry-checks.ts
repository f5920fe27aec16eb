// SPDX-License-Identifier: Apache-2.0
/** Checks of registries and images: reachable, allowed, and able to serve ranges. */
import { type Digest, digestFromHex } from '@nydus/base/digest'
import { describeError, isNydusError } from '@nydus/base/error'
import type { Bootstrap } from '@nydus/rafs-format'
import { dockerCredentials, openImageStore } from '@nydus/registry-client'
import {
  type OpenedImage,
  openImage,
  type RemoteImageOptions,
  withBootstrap,
} from '../inspect/remote-image.ts'
import type { DoctorCheck } from './doctor-report.ts'

/** What was found out about one place. */
export interface PlaceFinding {
  readonly check: DoctorCheck
  /** Of a Nydus image. */
  readonly bootstrap?: Bootstrap
}

/** A repository that no registry has, for asking whether anybody answers. */
const NO_REPOSITORY = 'nydus-doctor/none'

/** Checks a registry (`localhost:5000`) or an image. Never throws but on abort. */
export async function checkPlace(options: RemoteImageOptions): Promise<PlaceFinding> {
  const name = options.image
  try {
    return isRegistry(name) ? { check: await checkRegistry(options) } : await checkImagePlace(options)
  } catch (error) {
    options.signal?.throwIfAborted()
    const hint = isNydusError(error) ? error.hint : undefined
    return {
      check: { name, status: 'fail', detail: describeError(error), ...(hint !== undefined && { hint }) },
    }
  }
}

function isRegistry(text: string): boolean {
  return !text.includes('/') && /^(localhost|\[[0-9a-f:]+\]|[^/]+\.[^/]+|[^/]+:[0-9]+)(:[0-9]+)?$/i.test(text)
}

async function checkRegistry(options: RemoteImageOptions): Promise<DoctorCheck> {
  const { image: name, insecure = false, plainHttp = false, signal } = options
  const credentials = options.credentials ?? dockerCredentials({})
  const store = openImageStore(`${name}/${NO_REPOSITORY}:none`, { insecure, plainHttp, credentials })
  const started = performance.now()
  const took = () => `${Math.round(performance.now() - started)} ms`
  try {
    await store.resolve(signal)
    return { name, status: 'ok', detail: `answers in ${took()}` }
  } catch (error) {
    if (isNydusError(error, 'ERR_REGISTRY_NOT_FOUND')) {
      return { name, status: 'ok', detail: `answers in ${took()}` }
    }
    if (isNydusError(error, 'ERR_REGISTRY_UNAUTHORIZED', 'ERR_REGISTRY_DENIED')) {
      const hint = `name an image to see whether credentials fit; log in with docker login ${name}`
      return { name, status: 'ok', detail: `answers in ${took()}, and wants to know who asks`, hint }
    }
    throw error
  } finally {
    await store.close()
  }
}

async function checkImagePlace(options: RemoteImageOptions): Promise<PlaceFinding> {
  const started = performance.now()
  const opened = await openImage(options)
  try {
    const took = `${Math.round(performance.now() - started)} ms`
    const { kind, manifest, store } = opened.documents
    if (kind === 'oci') return { check: found(options, `an OCI image, read in ${took}`) }
    const { bootstrap } = await withBootstrap(opened, options)
    const [first] = manifest.layers
    if (first !== undefined && manifest.layers.length > 1)
      await readRange(opened, first.digest, options.signal)
    const ids = bootstrap.blobs.map(({ blobId }) => digestFromHex(blobId))
    const sizes = await Promise.all(ids.map((digest) => store.blobSize(digest, options.signal)))
    const blobs = `${sizes.length} blobs are there, ranges are served`
    return { bootstrap, check: found(options, `a Nydus image, read in ${took}; ${blobs}`) }
  } finally {
    await opened.close()
  }
}

/** A registry, or a proxy before it, that ignores ranges would send whole blobs. */
async function readRange({ documents }: OpenedImage, digest: Digest, signal?: AbortSignal): Promise<void> {
  await documents.store.readBlobRange(digest, { offset: 1, length: 1 }, { signal })
}

function found({ image }: RemoteImageOptions, detail: string): DoctorCheck {
  return { name: image, status: 'ok', detail }
}
