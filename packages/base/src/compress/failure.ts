// SPDX-License-Identifier: Apache-2.0
/** What the codec libraries throw, turned into two codes. */
import { DigestError } from '../error/nydus-error.ts'

/** node:zlib's code, and lz4-napi's words, for output that does not fit. */
const ZLIB_TOO_LARGE = 'ERR_BUFFER_TOO_LARGE'
const LZ4_TOO_LARGE = 'output is too small'

/** The coded error for `cause`, which a codec library threw. */
export function decompressFailure(codec: string, cause: unknown, maxBytes: number): DigestError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const outgrown =
    code === ZLIB_TOO_LARGE || (cause instanceof Error && cause.message.includes(LZ4_TOO_LARGE))
  if (outgrown) return tooLarge(codec, maxBytes, cause)
  return new DigestError('ERR_DECOMPRESS_FAILED', `damaged ${codec} data`, { cause })
}

/** ERR_DECOMPRESS_TOO_LARGE. */
export function tooLarge(codec: string, maxBytes: number, cause?: unknown): DigestError {
  return new DigestError(
    'ERR_DECOMPRESS_TOO_LARGE',
    `${codec} data decompresses to more than ${maxBytes} bytes`,
    {
      cause,
      details: { maxBytes },
    },
  )
}

/** `result`, unless it outgrew the cap: the libraries' own caps cannot be 0. */
export function withinCap(codec: string, result: Uint8Array, maxBytes: number): Uint8Array {
  if (result.length <= maxBytes) return result
  throw tooLarge(codec, maxBytes)
}
