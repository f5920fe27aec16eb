// SPDX-License-Identifier: Apache-2.0
/** A streaming tar reader: ustar, GNU and PAX, names and attributes as bytes, every claim checked before use. */
import { ByteSource } from './byte-source.ts'
import type { TarEntry } from './entry.ts'
import { type EntryContent, openContent } from './entry-content.ts'
import { decodeHeader, type Header, isZeroBlock, untilNul } from './header.ts'
import { TAR_BLOCK_BYTES, TAR_TYPE } from './layout.ts'
import { DEFAULT_TAR_LIMITS, type TarLimits } from './limits.ts'
import { type PaxRecords, parsePaxRecords } from './pax.ts'
import {
  mayBeSparse,
  type ResolvedEntry,
  type ResolveOptions,
  resolveEntry,
  resolveSparseEntry,
} from './resolve-entry.ts'
import { badTar, tooLarge, unsupportedEntry } from './tar-error.ts'
import { paddingAfter } from './tar-padding.ts'

/** How a tar is read. */
export interface ReadTarOptions {
  readonly signal?: AbortSignal
  /** Caps on the claims of entries; those left out are DEFAULT_TAR_LIMITS. */
  readonly limits?: Partial<TarLimits>
  /**
   * Where mtimes come from: the header's whole seconds (default, what image builders use), or the PAX record with its
   * nanoseconds where there is one.
   */
  readonly mtime?: 'header' | 'pax'
}

/** What the extension headers in front of an entry said about it. */
export interface Extensions {
  /** Records of PAX global headers so far: defaults for all later entries. */
  readonly globals: PaxRecords
  pax: PaxRecords | undefined
  longName: Uint8Array | undefined
  longLink: Uint8Array | undefined
}

/**
 * Reads the entries of a plain (decompressed) tar. Zero blocks are skipped wherever they are, and the stream is read
 * to its end, so its digest can be taken on the way. After the archive's end mark, anything that is no header is
 * ignored.
 * @param stream the tar; closed when the generator ends, also early.
 * @throws {BuildError} ERR_BUILD_BAD_TAR (details.offset says where), ERR_BUILD_TOO_LARGE for a claim above a limit,
 *   ERR_BUILD_PATH_ESCAPE for `..` in a name, ERR_BUILD_UNSUPPORTED_ENTRY for an entry no image can hold.
 * @throws the signal's reason.
 * @example
 * for await (const entry of readTar(createReadStream('layer.tar'))) console.log(entry.kind, entry.size)
 */
export async function* readTar(
  stream: AsyncIterable<Uint8Array>,
  options: ReadTarOptions = {},
): AsyncGenerator<TarEntry, void, undefined> {
  const reader = new TarReader(stream, options)
  try {
    for (;;) {
      const entry = reader.nextBuffered() ?? (await reader.next())
      if (entry === undefined) return
      yield entry
    }
  } finally {
    await reader.close()
  }
}

/** An entry whose content may be had without waiting. */
export interface ReadEntry extends TarEntry {
  readonly content: EntryContent
}

/**
 * `readTar` for those who read a million entries: what is at hand costs no promises. Call `nextBuffered`, then `next` if that
 * gives nothing; `close` at the end. Throws like `readTar`.
 */
export class TarReader {
  readonly #source: ByteSource
  readonly #options: ResolveOptions
  readonly #extensions: Extensions = {
    globals: new Map(),
    pax: undefined,
    longName: undefined,
    longLink: undefined,
  }
  #content: EntryContent | undefined

  constructor(stream: AsyncIterable<Uint8Array>, options: ReadTarOptions = {}) {
    this.#source = new ByteSource(stream, options.signal)
    this.#options = {
      limits: { ...DEFAULT_TAR_LIMITS, ...options.limits },
      mtime: options.mtime ?? 'header',
    }
  }

  /** The next entry, if all bytes in front of its content are at hand. */
  nextBuffered(): ReadEntry | undefined {
    const source = this.#source
    for (;;) {
      if (this.#content?.finishBuffered() === false) return undefined
      this.#content = undefined
      const block = source.peekBuffered(TAR_BLOCK_BYTES)
      if (block === undefined || block[0] === 0) return undefined
      const header = decodeHeader(block, source.offset)
      if (!isExtensionType(header.type)) {
        if (mayBeSparse(header, this.#extensions)) return undefined
        source.skipBuffered(TAR_BLOCK_BYTES)
        return this.#open(resolveEntry(header, this.#extensions, this.#options))
      }
      const size = extensionSize(header, this.#options.limits)
      if (source.buffered < TAR_BLOCK_BYTES + size + paddingAfter(size)) return undefined
      source.skipBuffered(TAR_BLOCK_BYTES)
      // A copy: entries may outlive the source's pieces.
      const content = new Uint8Array(source.takeBuffered(size) as Uint8Array)
      source.skipBuffered(paddingAfter(size))
      takeExtension(header, content, this.#extensions, this.#options.limits)
    }
  }

  /** The next entry; undefined at the end of the stream. */
  async next(): Promise<ReadEntry | undefined> {
    const source = this.#source
    await this.#content?.finish()
    this.#content = undefined
    for (;;) {
      const header = await nextHeader(source)
      if (header === undefined) break
      if (isExtensionType(header.type)) {
        const content = await readExtensionContent(source, header, this.#options.limits)
        takeExtension(header, content, this.#extensions, this.#options.limits)
        continue
      }
      return this.#open(await resolveSparseEntry(source, header, this.#extensions, this.#options))
    }
    checkNothingPending(this.#extensions, source.offset)
    return undefined
  }

  /** Tells the stream that nobody reads on. */
  close(): Promise<void> {
    return this.#source.close()
  }

  #open(resolved: ResolvedEntry): ReadEntry {
    const contentOffset = this.#source.offset
    const content = openContent(this.#source, resolved)
    this.#content = content
    clearExtensions(this.#extensions)
    return resolved.sparse === undefined
      ? { ...resolved.entry, content, contentOffset }
      : { ...resolved.entry, content }
  }
}

const EXTENSION_TYPES: ReadonlySet<string> = new Set([
  TAR_TYPE.GNU_LONG_NAME,
  TAR_TYPE.GNU_LONG_LINK,
  TAR_TYPE.PAX,
  TAR_TYPE.PAX_GLOBAL,
])

/** Headers that say something about the entry behind them. */
function isExtensionType(type: string): boolean {
  return EXTENSION_TYPES.has(type)
}

/** The next header that is not a zero block; undefined at the end. */
async function nextHeader(source: ByteSource): Promise<Header | undefined> {
  let zeroBlocks = 0
  for (;;) {
    const offset = source.offset
    // A copy, which `Buffer.slice` is not: entries keep views of it, and the stream uses the piece's memory again.
    const block = new Uint8Array(
      source.takeBuffered(TAR_BLOCK_BYTES) ?? (await source.takeUpTo(TAR_BLOCK_BYTES)),
    )
    if (block.length === 0) return undefined
    const ended = zeroBlocks >= 2
    if (isZeroBlock(block) && (block.length === TAR_BLOCK_BYTES || ended)) {
      zeroBlocks += 1
      continue
    }
    try {
      if (block.length < TAR_BLOCK_BYTES) {
        throw badTar(`the tar ends after ${block.length} of 512 bytes of a header`, offset, {
          found: block.length,
        })
      }
      return decodeHeader(block, offset)
    } catch (error) {
      if (!ended) throw error
      await drain(source)
      return undefined
    }
  }
}

async function drain(source: ByteSource): Promise<void> {
  while ((await source.takeSome(Number.MAX_SAFE_INTEGER)) !== undefined);
}

function takeExtension(
  { type, offset }: Header,
  content: Uint8Array,
  extensions: Extensions,
  limits: TarLimits,
): void {
  if (type === TAR_TYPE.GNU_LONG_NAME) {
    if (extensions.longName !== undefined) throw badTar('second GNU long name for one entry', offset)
    extensions.longName = untilNul(content)
  } else if (type === TAR_TYPE.GNU_LONG_LINK) {
    if (extensions.longLink !== undefined) throw badTar('second GNU long link for one entry', offset)
    extensions.longLink = untilNul(content)
  } else if (type === TAR_TYPE.PAX) {
    if (extensions.pax !== undefined) throw badTar('second PAX header for one entry', offset)
    extensions.pax = parsePaxRecords(content, offset + TAR_BLOCK_BYTES)
  } else {
    const records = parsePaxRecords(content, offset + TAR_BLOCK_BYTES)
    addGlobals(extensions.globals, records, offset, limits)
  }
}

function extensionSize({ size, offset }: Header, limits: TarLimits): number {
  if (size === undefined || size < 0) throw badTar('size of an extension header is not a number', offset)
  if (size > limits.headerBytes) throw tooLarge('extension header', size, limits.headerBytes, offset)
  return size
}

async function readExtensionContent(
  source: ByteSource,
  header: Header,
  limits: TarLimits,
): Promise<Uint8Array> {
  const size = extensionSize(header, limits)
  // A copy: entries may outlive the source's pieces.
  const content = new Uint8Array(await source.take(size, 'an extension header'))
  await source.skip(paddingAfter(size), 'padding')
  return content
}

/** A name or size for all later entries cannot be meant; everything else is a default. */
function addGlobals(globals: PaxRecords, records: PaxRecords, offset: number, limits: TarLimits): void {
  for (const [key, value] of records) {
    if (key === 'path' || key === 'linkpath' || key === 'size' || key.startsWith('GNU.sparse.')) {
      throw unsupportedEntry(`'${key}' in a PAX global header`, offset, { key })
    }
    globals.set(key, value)
  }
  // Any number of headers may come, and each entry gets all of it.
  let size = 0
  for (const [key, value] of globals) size += key.length + value.length
  if (size > limits.headerBytes) throw tooLarge('all PAX global headers', size, limits.headerBytes, offset)
}

function clearExtensions(extensions: Extensions): void {
  extensions.pax = undefined
  extensions.longName = undefined
  extensions.longLink = undefined
}

function checkNothingPending(extensions: Extensions, offset: number): void {
  if (extensions.pax ?? extensions.longName ?? extensions.longLink) {
    throw badTar('the tar ends after an extension header without its entry', offset)
  }
}
