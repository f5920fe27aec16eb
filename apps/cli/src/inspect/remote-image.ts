// SPDX-License-Identifier: Apache-2.0
/** An image in a store, opened to look into: its documents and bootstrap now, chunks by ranged reads when they are asked for. */
import { digestFromHex } from '@nydus/base/digest'
import { NydusError } from '@nydus/base/error'
import {
  type BootstrapLayer,
  type ImageDocuments,
  readBootstrapLayer,
  readImageDocuments,
} from '@nydus/checker'
import { type BlobSource, type ChunkReader, openChunkReader } from '@nydus/chunk-cache'
import { type Bootstrap, openBootstrap } from '@nydus/rafs-format'
import {
  type CredentialSource,
  dockerCredentials,
  type ImageStore,
  openImageStore,
  parsePlatform,
} from '@nydus/registry-client'
import type { BackendPlace } from '../copy/copy-options.ts'
import { sourceText } from '../copy/image-text.ts'
import { type BlobAccess, backendAccess } from '../nydus-image/blob-access.ts'

/** Which image, and how to reach it. */
export interface RemoteImageOptions {
  /** A registry reference, `oci:DIR[:tag]`, `oci-archive:FILE[:tag]`, `docker-archive:FILE[:tag]` or `file://FILE`. */
  readonly image: string
  readonly insecure?: boolean
  readonly plainHttp?: boolean
  /** Default: Docker's configuration and credential helpers. */
  readonly credentials?: CredentialSource
  /** Which image of an index, default `linux` on this machine's architecture. */
  readonly platform?: string | undefined
  /** Where the blobs are, when they are not beside the manifest. */
  readonly backend?: BackendPlace | undefined
  readonly signal?: AbortSignal | undefined
}

/** Documents of an image of any kind. Close it. */
export interface OpenedImage {
  /** Full reference. */
  readonly reference: string
  readonly documents: ImageDocuments
  close(): Promise<void>
}

/** A Nydus image whose files can be read. Close it. */
export interface NydusImage extends OpenedImage {
  readonly bootstrap: Bootstrap
  readonly bootstrapLayer: BootstrapLayer
  /** Reads chunks, verified; nothing is read ahead or kept on disk. */
  readonly chunks: ChunkReader
}

/** Opens an image and reads its manifest and config. @throws what the store throws. */
export async function openImage(options: RemoteImageOptions): Promise<OpenedImage> {
  const store = openImageStore(await sourceText(options.image), {
    insecure: options.insecure ?? false,
    plainHttp: options.plainHttp ?? false,
    credentials: options.credentials ?? dockerCredentials({}),
  })
  try {
    return { ...(await readDocuments(store, options)), close: () => store.close() }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Opens a Nydus image of a store that stays the caller's. @throws as `openNydusImage`. */
export async function openedInStore(
  store: ImageStore,
  options: Pick<RemoteImageOptions, 'platform' | 'backend' | 'signal'>,
): Promise<NydusImage> {
  return withBootstrap({ ...(await readDocuments(store, options)), close: async () => undefined }, options)
}

async function readDocuments(
  store: ImageStore,
  { platform: name, signal }: Pick<RemoteImageOptions, 'platform' | 'signal'>,
): Promise<Omit<OpenedImage, 'close'>> {
  const platform = parsePlatform(name ?? `linux/${process.arch}`)
  const choice = { platform, prefer: 'nydus', ...(signal !== undefined && { signal }) } as const
  return { reference: store.reference, documents: await readImageDocuments(store, choice) }
}

/**
 * Opens a Nydus image. Besides its documents only the bootstrap layer is read.
 * @throws {NydusError} ERR_IMAGE_NOT_NYDUS, ERR_CONFIG_INVALID for a bad backend, and what the store throws.
 */
export async function openNydusImage(options: RemoteImageOptions): Promise<NydusImage> {
  const opened = await openImage(options)
  try {
    return await withBootstrap(opened, options)
  } catch (error) {
    await opened.close()
    throw error
  }
}

/** The Nydus side of an opened image; closing it closes that. */
export async function withBootstrap(
  opened: OpenedImage,
  { backend, signal }: Pick<RemoteImageOptions, 'backend' | 'signal'>,
): Promise<NydusImage> {
  const { kind, manifest, store } = opened.documents
  const descriptor = manifest.layers.at(-1)
  if (kind !== 'nydus' || descriptor === undefined) {
    throw new NydusError('ERR_IMAGE_NOT_NYDUS', `${opened.reference} is not a Nydus image`, {
      hint: 'convert it first: nydus convert --source IMAGE --target IMAGE',
    })
  }
  const bootstrapLayer = await readBootstrapLayer(store, descriptor, signal)
  const bootstrap = openBootstrap(bootstrapLayer.bootstrap)
  const access =
    backend === undefined ? storeAccess(store) : await backendAccess(backend.type, backend.config)
  return {
    ...opened,
    bootstrap,
    bootstrapLayer,
    chunks: openChunkReader({ bootstrap, openBlob: (blobId) => access.openBlob(blobId), signal }),
    close: async () => void (await Promise.all([access.close(), opened.close()])),
  }
}

/** Blobs beside the manifest, named by their digest. */
function storeAccess(store: ImageStore): BlobAccess {
  return {
    openBlob(blobId): BlobSource {
      const digest = digestFromHex(blobId)
      return {
        blobId,
        read: (range, { signal }) => store.readBlobRange(digest, range, { signal }),
        size: (signal) => store.blobSize(digest, signal),
      }
    },
    close: async () => undefined,
  }
}
