// SPDX-License-Identifier: Apache-2.0
/** The stores of a conversion: opened together, and closed together whatever happens. */
import { dockerCredentials, type ImageStore, openImageStore, parsePlatform } from '@nydus/registry-client'
import { type BlobPlace, directoryPlace, imageStorePlace } from './blob-place.ts'
import { type BuildCache, openBuildCache } from './build-cache.ts'
import {
  type ChunkDictionary,
  openImageDictionary,
  openLocalDictionary,
  parseChunkDictSource,
} from './chunk-dictionary.ts'
import type { CheckedConvertOptions } from './convert-options.ts'
import type { SharedLayers } from './layer-cache.ts'
import { hostPlatform } from './read-source.ts'

/** What a conversion reads from and writes to. */
export interface Places {
  readonly source: ImageStore
  readonly target: ImageStore
  readonly blobs: BlobPlace
  /** What other conversions of this process made. */
  readonly shared: ReturnType<SharedLayers['view']> | undefined
  /** Reads the build cache, when there is one. It and the dictionary ask registries, so they are not opened at once. */
  buildCache(signal: AbortSignal): Promise<BuildCache | undefined>
  dictionary(signal: AbortSignal): Promise<ChunkDictionary | undefined>
  close(): Promise<void>
}

/** Opens the places that the options name. No request is made yet. @throws {NydusError} ERR_REFERENCE_INVALID */
export function openPlaces(options: CheckedConvertOptions): Places {
  const stores: ImageStore[] = []
  const open = (text: string, insecure: boolean): ImageStore => {
    const store = openImageStore(text, storeOptions(options, insecure))
    stores.push(store)
    return store
  }
  const source = open(options.source, options.sourceInsecure)
  const target = open(options.target, options.targetInsecure)
  const { blobDirectory, overwriteBlobs } = options
  return {
    source,
    target,
    blobs:
      blobDirectory === undefined ? imageStorePlace(target) : directoryPlace(blobDirectory, overwriteBlobs),
    shared: options.sharedLayers?.view(options, (place) => open(place, options.targetInsecure)),
    buildCache: (signal) => readBuildCache(options, open, signal),
    dictionary: (signal) => readDictionary(options, open, signal),
    close: async () => {
      await Promise.allSettled(stores.map((store) => store.close()))
    },
  }
}

type Open = (text: string, insecure: boolean) => ImageStore

async function readBuildCache(
  options: CheckedConvertOptions,
  open: Open,
  signal: AbortSignal,
): Promise<BuildCache | undefined> {
  const { buildCache: place, buildCacheInsecure, buildCacheVersion: version, onEvent } = options
  if (place === undefined) return undefined
  const onNote = (message: string) => onEvent({ type: 'note', message })
  return openBuildCache(open(place, buildCacheInsecure), { version, form: options, signal, onNote })
}

async function readDictionary(
  options: CheckedConvertOptions,
  open: Open,
  signal: AbortSignal,
): Promise<ChunkDictionary | undefined> {
  if (options.chunkDict === undefined) return undefined
  const { kind, place } = parseChunkDictSource(options.chunkDict)
  if (kind === 'local') return openLocalDictionary(place)
  const [wanted] = options.platforms === 'all' ? [] : options.platforms
  const platform = wanted === undefined ? hostPlatform() : parsePlatform(wanted)
  return openImageDictionary(open(place, options.chunkDictInsecure), platform, signal)
}

function storeOptions(options: CheckedConvertOptions, insecure: boolean) {
  return {
    insecure,
    plainHttp: options.plainHttp,
    credentials: options.credentials ?? dockerCredentials({}),
    userAgent: options.builderVersion,
  }
}
