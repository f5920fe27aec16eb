// SPDX-License-Identifier: Apache-2.0
/** Options, events and result of `copyImage`. */
import type { Digest } from '@nydus/base/digest'
import type { CredentialSource } from '@nydus/registry-client'

/** A place for blobs that is not the image's own repository. */
export interface BackendPlace {
  /** As nydusd's configuration names it: `registry`, `localfs`. */
  readonly type: string
  /** The `device.backend.config` of such a configuration. */
  readonly config: unknown
}

/** How to reach the two ends of a transfer. */
export interface TransferOptions {
  /** A registry reference, `oci:DIR[:tag]`, `oci-archive:FILE[:tag]`, `docker-archive:FILE[:tag]` or `file://FILE`. */
  readonly source: string
  /** A registry reference, `oci:DIR[:tag]`, `oci-archive:FILE[:tag]` or `file://FILE`. */
  readonly target: string
  /** Accept certificates that do not verify, and plain HTTP where HTTPS is not spoken. */
  readonly sourceInsecure?: boolean
  readonly targetInsecure?: boolean
  /** Speak plain HTTP to registries. */
  readonly plainHttp?: boolean
  /** Default: Docker's configuration and credential helpers. */
  readonly credentials?: CredentialSource
  /** Where the source's blobs are, when they are not beside its manifest. */
  readonly sourceBackend?: BackendPlace | undefined
  /** Bytes a request of a chunked upload; 0 (default) sends each blob in one request. */
  readonly pushChunkBytes?: number
  /** How often a failed push is tried again, default 3. */
  readonly pushRetryCount?: number
  /** Milliseconds before the first retry, default 5000; each further one waits twice as long. */
  readonly pushRetryDelayMs?: number
  readonly onEvent?: CopyListener
  /** Stops everything; the promise then rejects with its reason. */
  readonly signal?: AbortSignal
}

/** What to copy. */
export interface CopyOptions extends TransferOptions {
  /**
   * Images to take from an index, e.g. `['linux/amd64']`; none means this machine's. 'all' copies the index with everything
   * in it, byte for byte, so that signatures and digests stay good.
   */
  readonly platforms?: readonly string[] | 'all'
  /** Blobs that are copied at the same time, default 4. */
  readonly concurrency?: number
}

/** How a blob came to the target. */
export type BlobRoute = 'exists' | 'mounted' | 'streamed'

/** What happens during a transfer. */
export type CopyEvent =
  | { readonly type: 'resolved'; readonly reference: string; readonly digest: Digest }
  /** What there is to do: blobs, and their bytes. */
  | { readonly type: 'planned'; readonly blobCount: number; readonly bytes: number }
  | { readonly type: 'blob-progress'; readonly digest: Digest; readonly sentBytes: number }
  | {
      readonly type: 'blob-done'
      readonly digest: Digest
      readonly size: number
      readonly route: BlobRoute
    }
  | { readonly type: 'retry'; readonly message: string }
  | { readonly type: 'pushed'; readonly reference: string; readonly digest: Digest }

/** Told of every event, in order. */
export type CopyListener = (event: CopyEvent) => void

/** What a copy did. */
export interface CopyResult {
  readonly source: { readonly reference: string; readonly digest: Digest }
  /** The digest is the source's, unless images were left out of an index or blobs were added. */
  readonly target: { readonly reference: string; readonly digest: Digest; readonly mediaType: string }
  /** Manifests, the indexes above them not counted. */
  readonly images: readonly { readonly platform: string | undefined; readonly digest: Digest }[]
  /** Configs and layers, each once. Bytes. */
  readonly blobs: Readonly<Record<BlobRoute, { readonly count: number; readonly bytes: number }>>
  readonly elapsedMs: number
}
