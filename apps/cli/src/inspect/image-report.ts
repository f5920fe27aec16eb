// SPDX-License-Identifier: Apache-2.0
/** `inspect IMAGE`: what an image is made of. */
import { type Digest, digestHex } from '@nydus/base/digest'
import { type ConfigDocument, isNydusManifest } from '@nydus/checker'
import {
  ANNOTATION_BUILDER_VERSION,
  ANNOTATION_NYDUS_REF,
  ANNOTATION_SOURCE_DIGEST,
  ANNOTATION_SOURCE_REFERENCE,
  ARTIFACT_TYPE_NYDUS_MANIFEST,
  type BlobInfo,
  type Bootstrap,
  blobFeatureNames,
  FILE_TYPE,
  MEDIA_TYPE_NYDUS_BLOB,
  OS_FEATURE_NYDUS,
  pathText,
  superFlagNames,
  walkTree,
} from '@nydus/rafs-format'
import { type Descriptor, formatPlatform, isIndex, type Manifest } from '@nydus/registry-client'
import { typeOf } from './find-path.ts'
import { type OpenedImage, openImage, type RemoteImageOptions, withBootstrap } from './remote-image.ts'

/** One layer of the manifest. */
export interface LayerReport {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly mediaType: string
  readonly role: 'blob' | 'bootstrap' | 'layer'
  /** The layer that a zran blob refers to. */
  readonly refersTo?: string
}

/** One blob of the bootstrap's table. */
export interface BlobReport {
  readonly blobId: string
  /** Bytes. */
  readonly compressedSize: number
  readonly uncompressedSize: number
  readonly chunkCount: number
  readonly compressor: string
  readonly features: readonly string[]
  /** False for blobs of a backend, and for layers that zran blobs refer to. */
  readonly isLayer: boolean
}

/** What a bootstrap says. */
export interface RafsReport {
  readonly fsVersion: 5 | 6
  readonly compressor: string
  readonly digester: string
  /** Bytes. */
  readonly chunkSize: number
  readonly flags: readonly string[]
  /** Bytes, uncompressed. */
  readonly bootstrapSize: number
  readonly entries: {
    readonly files: number
    readonly directories: number
    readonly symlinks: number
    readonly others: number
  }
  /** Bytes of all files, hard links once. */
  readonly dataSize: number
  /** Chunks that files refer to, and chunks in blobs. */
  readonly chunks: { readonly used: number; readonly stored: number }
  readonly blobs: readonly BlobReport[]
  /** Paths to fetch ahead, in order; `/` is everything. */
  readonly prefetch: readonly string[]
}

/** One image of an index. */
export interface IndexEntryReport {
  readonly digest: Digest
  /** `unknown` where the index does not say, and for attestations. */
  readonly platform: string
  readonly kind: 'oci' | 'nydus'
}

/** An image. */
export interface ImageReport {
  readonly reference: string
  readonly digest: Digest
  /** All images of the index that this one was taken from. */
  readonly index?: readonly IndexEntryReport[]
  readonly mediaType: string
  readonly kind: 'oci' | 'nydus'
  readonly platform: string
  readonly created?: string
  readonly command?: readonly string[]
  readonly source?: { readonly reference?: string; readonly digest?: string }
  readonly builder?: string
  readonly layers: readonly LayerReport[]
  /** Bytes of config and layers. */
  readonly size: number
  /** Of Nydus images. */
  readonly rafs?: RafsReport
}

/** Reads what describes an image; no data of files is read. @throws what the store throws; {FormatError} for a damaged bootstrap. */
export async function inspectImage(options: RemoteImageOptions): Promise<ImageReport> {
  const opened = await openImage(options)
  try {
    const report = { ...describeImage(opened), ...(await describeIndex(opened, options.signal)) }
    if (report.kind === 'oci') return report
    const { bootstrap } = await withBootstrap(opened, { signal: options.signal })
    const layers = opened.documents.manifest.layers
    const layerIds = new Set(layers.map(({ digest }) => digestHex(digest)))
    return { ...report, rafs: describeRafs(bootstrap, layerIds) }
  } finally {
    await opened.close()
  }
}

async function describeIndex(
  { documents }: OpenedImage,
  signal: AbortSignal | undefined,
): Promise<Pick<ImageReport, 'index'>> {
  const { store } = documents
  const root = await store.resolve(signal)
  if (root.digest === documents.descriptor.digest) return {}
  const { document } = await store.manifest(root, signal)
  if (!isIndex(document)) return {}
  const index = document.manifests.map(({ digest, platform, artifactType }): IndexEntryReport => {
    const isNydus =
      artifactType === ARTIFACT_TYPE_NYDUS_MANIFEST || platform?.['os.features']?.includes(OS_FEATURE_NYDUS)
    const name = platform === undefined ? 'unknown' : formatPlatform(platform)
    return { digest, platform: name, kind: isNydus ? 'nydus' : 'oci' }
  })
  return { index }
}

function describeImage({ reference, documents }: OpenedImage): ImageReport {
  const { manifest, config, descriptor, mediaType, kind } = documents
  const layers = manifest.layers.map((layer, i) => describeLayer(layer, i, manifest))
  const annotations = manifest.annotations ?? {}
  const sourceReference = annotations[ANNOTATION_SOURCE_REFERENCE]
  const sourceDigest = annotations[ANNOTATION_SOURCE_DIGEST]
  const builder = annotations[ANNOTATION_BUILDER_VERSION]
  return {
    reference,
    digest: descriptor.digest,
    mediaType,
    kind,
    ...describeConfig(config),
    ...((sourceReference !== undefined || sourceDigest !== undefined) && {
      source: {
        ...(sourceReference !== undefined && { reference: sourceReference }),
        ...(sourceDigest !== undefined && { digest: sourceDigest }),
      },
    }),
    ...(builder !== undefined && { builder }),
    layers,
    size: layers.reduce((sum, { size }) => sum + size, manifest.config.size),
  }
}

function describeLayer(layer: Descriptor, position: number, manifest: Manifest): LayerReport {
  const { digest, size, mediaType, annotations } = layer
  const isLast = position === manifest.layers.length - 1
  const isBootstrap = isLast && isNydusManifest(manifest)
  const refersTo = annotations?.[ANNOTATION_NYDUS_REF]
  const role = isBootstrap ? 'bootstrap' : mediaType === MEDIA_TYPE_NYDUS_BLOB ? 'blob' : 'layer'
  return { digest, size, mediaType, role, ...(refersTo !== undefined && { refersTo }) }
}

function describeConfig(config: ConfigDocument): Pick<ImageReport, 'platform' | 'created' | 'command'> {
  const text = (name: string) => (typeof config[name] === 'string' ? (config[name] as string) : '')
  const run = (config.config ?? {}) as Readonly<Record<string, unknown>>
  const command = [run.Entrypoint, run.Cmd].flatMap((words) =>
    Array.isArray(words) ? words.map(String) : [],
  )
  const variant = text('variant')
  return {
    platform: formatPlatform({
      os: text('os') || 'linux',
      architecture: text('architecture') || 'unknown',
      ...(variant !== '' && { variant }),
    }),
    ...(text('created') !== '' && { created: text('created') }),
    ...(command.length > 0 && { command }),
  }
}

function describeRafs(bootstrap: Bootstrap, layerIds: ReadonlySet<string>): RafsReport {
  const { fsVersion, compressor, digester, chunkSize, flags, bytes, blobs } = bootstrap
  return {
    fsVersion,
    compressor,
    digester,
    chunkSize,
    flags: superFlagNames(flags),
    bootstrapSize: bytes.length,
    ...countEntries(bootstrap),
    blobs: blobs.map((blob) => describeBlob(blob, layerIds)),
  }
}

function describeBlob(blob: BlobInfo, layerIds: ReadonlySet<string>): BlobReport {
  const { blobId, compressedSize, uncompressedSize, chunkCount, compressor, features } = blob
  const isLayer = layerIds.has(blobId)
  return {
    blobId,
    compressedSize,
    uncompressedSize,
    chunkCount,
    compressor,
    features: blobFeatureNames(features),
    isLayer,
  }
}

function countEntries(
  bootstrap: Bootstrap,
): Pick<RafsReport, 'entries' | 'dataSize' | 'chunks' | 'prefetch'> {
  const entries = { files: 0, directories: 0, symlinks: 0, others: 0 }
  const nids = bootstrap.prefetchNids()
  const wanted = new Set(nids)
  const paths = new Map<number, string>()
  let dataSize = 0
  let used = 0
  for (const { path, inode, repeated } of walkTree(bootstrap)) {
    const type = typeOf(inode)
    if (wanted.has(inode.nid) && !paths.has(inode.nid)) paths.set(inode.nid, pathText(path))
    if (type === FILE_TYPE.REGULAR) entries.files += 1
    else if (type === FILE_TYPE.DIRECTORY) entries.directories += 1
    else if (type === FILE_TYPE.SYMLINK) entries.symlinks += 1
    else entries.others += 1
    if (type !== FILE_TYPE.REGULAR || repeated) continue
    dataSize += inode.size
    used += Math.ceil(inode.size / bootstrap.chunkSize)
  }
  const stored = bootstrap.blobs.reduce((sum, { chunkCount }) => sum + chunkCount, 0)
  const prefetch = nids.map((nid) => paths.get(nid) ?? `inode ${nid}`)
  return { entries, dataSize, chunks: { used, stored }, prefetch }
}
