// SPDX-License-Identifier: Apache-2.0
/** The one interface of every place that holds images: a registry repository, an OCI layout, an archive. */
import type { ByteRange } from '@nydus/base/binary'
import type { Digest } from '@nydus/base/digest'
import type { CredentialSource } from './credentials/credential-source.ts'
import type { ContentIdentity, Descriptor, Index, Manifest } from './types.ts'

/** The four kinds of stores. */
export type StoreKind = 'registry' | 'oci-layout' | 'oci-archive' | 'docker-archive'

/** How to reach a store. Only `credentials` and the connection options of registries matter today; local stores ignore them. */
export interface StoreOptions {
  /** Speak http, never https. */
  readonly plainHttp?: boolean
  /** Accept any TLS certificate, and fall back from https to http when the registry does not speak TLS or refuses. */
  readonly insecure?: boolean
  /** Where user names and passwords come from. Default: none, anonymous. */
  readonly credentials?: CredentialSource
  /** Value of the User-Agent header. */
  readonly userAgent?: string
  /** Milliseconds without progress (connect, response headers, between body bytes) before a request fails. Default 30,000. */
  readonly deadlineMs?: number
  /** Further attempts after a failure that may pass (429, 5xx, broken connection). Default 3. */
  readonly retries?: number
}

/** Options of calls that can be aborted. The signal's reason is thrown unwrapped. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

/** Options of `ImageStore.openBlob`. */
export interface OpenBlobOptions extends CallOptions {
  /** First byte wanted, default 0. With another value the digest cannot be verified, only the length is. */
  readonly offset?: number
}

/** Options of `ImageStore.putBlob`. */
export interface PutBlobOptions extends CallOptions {
  /** Called with the bytes sent so far; starts over when an upload is tried again. */
  readonly onProgress?: (sentBytes: number) => void
  /** `chunked` sends pieces of `chunkSize` bytes, for registries and proxies that limit request bodies. Default `monolithic`. */
  readonly mode?: 'monolithic' | 'chunked'
  /** Bytes per piece in `chunked` mode, default 16 MiB. */
  readonly chunkSize?: number
}

/** Options of `ImageStore.putManifest`. */
export interface PutManifestOptions extends CallOptions {
  /** A tag, or `from-reference` for the tag the store was opened with. Without it the manifest is stored by digest only. */
  readonly tag?: string
}

/** Bytes, or a factory of streams: called again when an upload is tried again. */
export type BlobContent = Uint8Array | (() => AsyncIterable<Uint8Array>)

/** A manifest or index whose digest was checked. */
export interface StoredManifest {
  readonly bytes: Uint8Array
  readonly mediaType: string
  readonly document: Manifest | Index
}

/**
 * One repository of images. All methods may be called concurrently; all but `close` may be called again after a failure.
 * Errors are `RegistryError`s, or `DigestError`s for content that is not what its digest says.
 */
export interface ImageStore {
  readonly kind: StoreKind
  /** The place as a person writes it. */
  readonly reference: string
  /** The descriptor of the manifest or index that the reference names. @throws ERR_REGISTRY_NOT_FOUND */
  resolve(signal?: AbortSignal): Promise<Descriptor>
  /** Reads a manifest or index of at most 4 MiB; its digest and shape are checked. */
  manifest(
    descriptor: ContentIdentity & { readonly mediaType?: string },
    signal?: AbortSignal,
  ): Promise<StoredManifest>
  /** Streams a blob. Throws at the end, not before, when digest or size are wrong: act on the bytes only after the end. */
  openBlob(descriptor: ContentIdentity, options?: OpenBlobOptions): AsyncIterable<Uint8Array>
  /** Reads exactly `range.length` bytes, or throws. The digest of a part cannot be checked here. */
  readBlobRange(digest: Digest, range: ByteRange, options?: CallOptions): Promise<Uint8Array>
  /** Tells whether the blob is there, with the right size. */
  hasBlob(descriptor: ContentIdentity, signal?: AbortSignal): Promise<boolean>
  /** Size of a blob in bytes. @throws ERR_REGISTRY_NOT_FOUND */
  blobSize(digest: Digest, signal?: AbortSignal): Promise<number>
  /** Makes a blob of another repository of the same registry available here. False when the registry would not: upload it then. */
  mountBlob(descriptor: ContentIdentity, fromRepository: string, signal?: AbortSignal): Promise<boolean>
  /** Stores a blob unless it is there already. Content that does not have the descriptor's digest and size is never stored. */
  putBlob(descriptor: ContentIdentity, content: BlobContent, options?: PutBlobOptions): Promise<void>
  /** Stores a manifest, or an index, whose content is already there. The tag moves last and atomically. */
  putManifest(bytes: Uint8Array, mediaType: string, options?: PutManifestOptions): Promise<Descriptor>
  /** Frees connections and files. An archive that was written appears under its name now, or not at all. */
  close(): Promise<void>
}
