// SPDX-License-Identifier: Apache-2.0
/**
 * Raw inflate from a point inside a gzip stream, as zran contexts describe it: a deflate block that starts at any bit
 * of a byte, with a window of the plain bytes before it.
 *
 * node:zlib cannot prime the bit buffer, so the stream is led in by empty deflate blocks that end at the wanted bit.
 * They have no output, so the window stays as it is:
 *
 *   empty fixed block    10 bits   moves the position by 2
 *   empty dynamic block  93 bits   moves the position by 5
 */
import { inflateRawSync, constants as zlib } from 'node:zlib'
import { DigestError } from '../error/nydus-error.ts'
import { decompressFailure } from './failure.ts'
import { gzipHeaderSize } from './gzip-header.ts'

/** Where a context starts and what it gives. */
export interface InflateContext {
  /** How many high bits of `byte` belong to the stream, 0 … 7. */
  readonly bits: number
  /** The byte before the input; its low bits are of no meaning. */
  readonly byte: number
  /** The window: up to 32768 plain bytes from before the context. */
  readonly dictionary: Uint8Array
  /** Plain bytes of the context. */
  readonly outLength: number
}

/** CRC-32 and size at the end of a gzip member. */
const GZIP_TRAILER_BYTES = 8
const MAX_DICTIONARY_BYTES = 32 << 10
/** The last bytes of the input may go on with the next symbols: these are decoded and dropped. */
const OVERRUN_BYTES = 64 << 10
const NO_BYTES = new Uint8Array(0)

/** Bits in stream order: not final, fixed codes, end of block. */
const FIXED_BLOCK = '0 10 0000000'
/**
 * Not final, dynamic codes; 257 literal codes, 1 distance code, 18 code length codes in the order of the format: 18 and
 * 0 have two bits, 1 has one. 138 and 118 times no code, one bit for the end of the block, no distance; end of block.
 */
const DYNAMIC_BLOCK = `0 01 00000 00000 0111
  000 000 010 010 ${'000 '.repeat(13)} 100
  11 1111111 11 1101011 0 10 0`
/** By the number of bits that are left of the byte before the input. */
const LEAD_INS: readonly Uint8Array[] = Array.from({ length: 8 }, (_, bits) => leadInBefore(bits))

/**
 * Inflates one context.
 * @param input the compressed bytes from the context's start; they may end in the middle of a block, and hold the end
 *   of a gzip member and the start of the next.
 * @returns exactly `outLength` bytes.
 * @throws {DigestError} ERR_DECOMPRESS_FAILED for damaged data or a bad context, ERR_SIZE_MISMATCH when the input gives
 *   fewer bytes, ERR_DECOMPRESS_TOO_LARGE when it gives far more.
 */
export function inflateContext(input: Uint8Array, context: InflateContext): Uint8Array {
  checkContext(context)
  const behind = behindMember(input, context.outLength)
  if (behind !== undefined) return behind
  const { bits, byte, dictionary, outLength } = context
  const leadIn = bits === 0 ? NO_BYTES : leadInOf(bits, byte)
  return inflateFrom(leadIn, input, dictionary, outLength)
}

/**
 * Builders make contexts that start where a gzip member ends, with what is left of its last byte: they hold its trailer,
 * and then the next member. The original cannot read these. Undefined when `input` does not look like that.
 */
function behindMember(input: Uint8Array, outLength: number): Uint8Array | undefined {
  if (!startsMember(input, GZIP_TRAILER_BYTES)) return undefined
  try {
    const start = nextMember(input, 0, 0, outLength)
    return inflateFrom(NO_BYTES, input.subarray(start), NO_BYTES, outLength)
  } catch (error) {
    // Bytes inside of a block may look like a header.
    if (error instanceof DigestError) return undefined
    throw error
  }
}

function startsMember(input: Uint8Array, at: number): boolean {
  return input[at] === 0x1f && input[at + 1] === 0x8b && input[at + 2] === 8
}

function inflateFrom(
  leadIn: Uint8Array,
  input: Uint8Array,
  dictionary: Uint8Array,
  outLength: number,
): Uint8Array {
  const first = inflateMember(leadIn, input, dictionary, outLength)
  if (first.plain.length >= outLength) return first.plain.subarray(0, outLength)
  const pieces = [first.plain]
  let size = first.plain.length
  for (let at = first.used; size < outLength; ) {
    at = nextMember(input, at, size, outLength)
    const next = inflateMember(NO_BYTES, input.subarray(at), NO_BYTES, outLength - size)
    pieces.push(next.plain)
    size += next.plain.length
    at += next.used
  }
  return join(pieces, outLength)
}

/** One member from `input`'s start. `used` counts the bytes of `input` up to the trailer, or all of it. */
function inflateMember(
  leadIn: Uint8Array,
  input: Uint8Array,
  dictionary: Uint8Array,
  outLength: number,
): { readonly plain: Uint8Array; readonly used: number } {
  const limit = outLength + OVERRUN_BYTES
  try {
    const { buffer, engine } = inflateRawSync(leadIn.length === 0 ? input : Buffer.concat([leadIn, input]), {
      ...(dictionary.length > 0 ? { dictionary } : {}),
      // A cut stream is what contexts are: give what there is.
      finishFlush: zlib.Z_SYNC_FLUSH,
      maxOutputLength: limit,
      chunkSize: limit,
      info: true,
    }) as unknown as { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } }
    return { plain: buffer, used: engine.bytesWritten - leadIn.length }
  } catch (cause) {
    throw decompressFailure('zran', cause, limit)
  }
}

/** The start of the deflate data of the member behind the one that ends at `end`. */
function nextMember(input: Uint8Array, end: number, size: number, outLength: number): number {
  const at = end + GZIP_TRAILER_BYTES
  const header = at < input.length ? gzipHeaderSize(input, at) : undefined
  if (header !== undefined && at + header < input.length) return at + header
  throw new DigestError('ERR_SIZE_MISMATCH', `zran context gives ${size} bytes, expected ${outLength}`, {
    details: { expected: outLength, found: size },
  })
}

function checkContext({ bits, byte, dictionary, outLength }: InflateContext): void {
  const valid =
    inRange(bits, 7) &&
    inRange(byte, 0xff) &&
    inRange(outLength, 2 ** 32 - 1) &&
    dictionary.length <= MAX_DICTIONARY_BYTES
  if (valid) return
  const details = { bits, byte, dictionaryBytes: dictionary.length, outLength }
  throw new DigestError('ERR_DECOMPRESS_FAILED', `bad zran context: ${JSON.stringify(details)}`, { details })
}

function inRange(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max
}

function join(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    joined.set(piece.subarray(0, length - at), at)
    at += piece.length
  }
  return joined
}

/** The blocks before the stream, with the stream's first bits in their last byte. */
function leadInOf(bits: number, byte: number): Uint8Array {
  const bytes = new Uint8Array(LEAD_INS[bits] as Uint8Array)
  const last = bytes.length - 1
  bytes[last] = (bytes[last] as number) | (byte & (0xff << (8 - bits)))
  return bytes
}

/** Empty blocks that leave the `bits` high bits of their last byte free. */
function leadInBefore(bits: number): Uint8Array {
  const wanted = (8 - bits) % 8
  const odd = wanted % 2 === 1
  const fixedBlocks = (((wanted - (odd ? 5 : 0) + 8) % 8) / 2) | 0
  const text = ((odd ? DYNAMIC_BLOCK : '') + FIXED_BLOCK.repeat(fixedBlocks)).replace(/\s/g, '')
  const bytes = new Uint8Array(Math.ceil(text.length / 8))
  for (const [i, bit] of [...text].entries()) {
    if (bit === '1') bytes[i >> 3] = (bytes[i >> 3] as number) | (1 << (i & 7))
  }
  return bytes
}
