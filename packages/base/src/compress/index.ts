// SPDX-License-Identifier: Apache-2.0
export type { Codec, Compressor } from './codec.ts'
export { codecOf, decompressExact } from './codec-of.ts'
export { ZLIB_CHUNK_BYTES } from './gzip.ts'
export { gzipHeaderSize } from './gzip-header.ts'
export { type InflateContext, inflateContext } from './inflate-context.ts'
