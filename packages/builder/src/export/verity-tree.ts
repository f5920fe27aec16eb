// SPDX-License-Identifier: Apache-2.0
/**
 * A dm-verity hash tree without superblock and salt: SHA-256 over data blocks, then over 4096-byte pages of 128 digests.
 *
 *   top page · … · pages over pages of leaves · pages of leaves
 *
 * Pages are written as they fill, so memory holds one page a level.
 */
import { hash } from 'node:crypto'

/** Bytes of a page of digests. */
export const HASH_PAGE_BYTES = 4096
const DIGEST_BYTES = 32
const DIGESTS_PER_PAGE = HASH_PAGE_BYTES / DIGEST_BYTES

/**
 * What stands behind the last digest of a page: zeros, as `veritysetup` has and demands it, or what the original
 * nydus-image puts there, the digest of an empty page. The kernel accepts both; the root digests differ.
 */
export type VerityFill = 'zeros' | 'original'

/** A finished tree. */
export interface VerityTree {
  /** Bytes from the start of the disk. */
  readonly hashOffset: number
  /** Bytes of the tree. */
  readonly size: number
  readonly dataBlocks: number
  /** 64 hex digits. */
  readonly rootDigest: string
}

/** Writes `page` at `position`, bytes from the start of the disk. The page may be kept until the promise is fulfilled. */
export type WritePage = (page: Uint8Array, position: number) => Promise<void>

interface Level {
  /** Of the level's first page: bytes from the start of the disk. */
  readonly base: number
  page: Uint8Array
  /** Digests in `page`. */
  filled: number
  /** Pages written. */
  pages: number
}

/** Number of pages at each level, leaves first. */
function levelPages(dataBlocks: number): number[] {
  const pages: number[] = []
  for (let below = dataBlocks; below > 1; below = pages.at(-1) as number) {
    pages.push(Math.ceil(below / DIGESTS_PER_PAGE))
  }
  return pages
}

/** Takes the data of a disk in order. */
export class VerityBuilder {
  readonly #dataBlocks: number
  readonly #hashOffset: number
  readonly #empty: Uint8Array
  readonly #write: WritePage
  readonly #levels: readonly Level[]
  readonly #size: number
  #root = new Uint8Array(DIGEST_BYTES)

  /**
   * @param dataBlocks number of data blocks that will be added.
   * @param hashOffset where the tree goes: a multiple of 4096 behind the data.
   */
  constructor(dataBlocks: number, hashOffset: number, fill: VerityFill, write: WritePage) {
    this.#dataBlocks = dataBlocks
    this.#hashOffset = hashOffset
    this.#write = write
    this.#empty = emptyPage(fill)
    const counts = levelPages(dataBlocks)
    this.#size = counts.reduce((sum, pages) => sum + pages, 0) * HASH_PAGE_BYTES
    let base = hashOffset + this.#size
    this.#levels = counts.map((pages) => {
      base -= pages * HASH_PAGE_BYTES
      return { base, page: this.#empty.slice(), filled: 0, pages: 0 }
    })
  }

  /** Adds the digest of the next data block. @returns a promise only when a page is full, which must be awaited then. */
  add(digest: Uint8Array): Promise<void> | undefined {
    const [leaves] = this.#levels
    if (leaves === undefined) this.#root = Uint8Array.from(digest)
    else if (this.#put(leaves, digest)) return this.#passUp(0)
    return undefined
  }

  /** Writes the pages that are not full. All data blocks must have been added. */
  async finish(): Promise<VerityTree> {
    for (const [i, level] of this.#levels.entries()) {
      if (level.filled === 0) continue
      const digest = await this.#endPage(level)
      const above = this.#levels[i + 1]
      if (above === undefined) {
        this.#root = Uint8Array.from(digest)
        continue
      }
      this.#put(above, digest)
    }
    return {
      hashOffset: this.#hashOffset,
      size: this.#size,
      dataBlocks: this.#dataBlocks,
      rootDigest: Buffer.from(this.#root).toString('hex'),
    }
  }

  /** @returns whether the page is full. */
  #put(level: Level, digest: Uint8Array): boolean {
    level.page.set(digest, level.filled * DIGEST_BYTES)
    level.filled += 1
    return level.filled === DIGESTS_PER_PAGE
  }

  /** Ends the full page of a level, and those above that become full by it. */
  async #passUp(from: number): Promise<void> {
    for (let i = from, full = true; full; i++) {
      const digest = await this.#endPage(this.#levels[i] as Level)
      const above = this.#levels[i + 1]
      if (above === undefined) this.#root = Uint8Array.from(digest)
      full = above !== undefined && this.#put(above, digest)
    }
  }

  async #endPage(level: Level): Promise<Uint8Array> {
    const digest = hash('sha256', level.page, 'buffer')
    await this.#write(level.page, level.base + level.pages * HASH_PAGE_BYTES)
    level.pages += 1
    level.filled = 0
    level.page = this.#empty.slice()
    return digest
  }
}

function emptyPage(fill: VerityFill): Uint8Array {
  const page = new Uint8Array(HASH_PAGE_BYTES)
  if (fill === 'zeros') return page
  const digest = hash('sha256', page, 'buffer')
  for (let at = 0; at < page.length; at += DIGEST_BYTES) page.set(digest, at)
  return page
}
