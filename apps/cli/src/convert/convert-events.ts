// SPDX-License-Identifier: Apache-2.0
/** What `convertImage` reports while it runs. Events are plain data; listeners must not throw. */
import type { Digest } from '@nydus/base/digest'

/** A source layer as events name it. */
export interface LayerName {
  /** Digest of the source layer. */
  readonly digest: Digest
  /** Bytes of the source layer as stored. */
  readonly size: number
}

/** One step of a conversion. */
export type ConvertEvent =
  /** The source reference was resolved. */
  | { readonly type: 'resolved'; readonly reference: string; readonly digest: Digest }
  /** Conversion of one platform begins; layers that another platform shares are built once. */
  | { readonly type: 'platform'; readonly platform: string; readonly layers: readonly LayerName[] }
  | { readonly type: 'layer-started'; readonly layer: LayerName }
  | {
      readonly type: 'layer-progress'
      readonly layer: LayerName
      /** Bytes of the stored layer read so far. */
      readonly readBytes: number
      /** Bytes of the plain tar processed so far. */
      readonly tarBytes: number
      readonly chunkCount: number
      /** Bytes of the Nydus blob written so far. */
      readonly blobBytes: number
    }
  | {
      readonly type: 'layer-built'
      readonly layer: LayerName
      readonly blobDigest: Digest
      readonly blobSize: number
      readonly chunkCount: number
      /** Bytes not stored because an equal chunk was. */
      readonly dedupBytes: number
    }
  | {
      readonly type: 'layer-pushing'
      readonly layer: LayerName
      readonly pushedBytes: number
      readonly blobSize: number
    }
  | { readonly type: 'layer-pushed'; readonly layer: LayerName; readonly blobDigest: Digest }
  /** A layer was converted before; its blob is in its place now. */
  | {
      readonly type: 'layer-cached'
      readonly layer: LayerName
      readonly blobDigest: Digest
      readonly blobSize: number
    }
  /** The bootstraps of all layers of a platform were merged. */
  | { readonly type: 'merged'; readonly platform: string; readonly bootstrapSize: number }
  /** Something was retried, left out or accepted although unusual. */
  | { readonly type: 'note'; readonly message: string }
  /** The target's manifest or index was written: the conversion is complete. */
  | { readonly type: 'pushed'; readonly reference: string; readonly digest: Digest }

/** Receives events in the order they happen. */
export type ConvertListener = (event: ConvertEvent) => void
