// SPDX-License-Identifier: Apache-2.0
/**
 * The chunks of many images in SQLite. Tables `chunk` and `blob` have the columns of the original; two more keep what a
 * dictionary needs besides: `chunk.chunk_index` and `blob.blob_entry`, the blob as JSON.
 */
import { type BlobInfo, type Bootstrap, hexText } from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import { loadTree } from '../bootstrap/load-tree.ts'
import { BuildError } from '../build-error.ts'
import { chunkAt } from '../compact/rewrite-bootstrap.ts'
import { ChunkStore } from '../tree/chunk-store.ts'
import { openSqlite } from './sqlite.ts'

/** One chunk of one version of an image. */
export interface ChunkRow {
  readonly image: string
  readonly version: string
  readonly blobId: string
  /** 64 hex digits. */
  readonly digest: string
  /** 0 if unknown. */
  readonly crc32c: number
  readonly compressedSize: number
  readonly uncompressedSize: number
  readonly compressedOffset: number
  readonly uncompressedOffset: number
  /** Number of the chunk in its blob. */
  readonly chunkIndex: number
}

/** An open database. */
export interface ChunkDatabase {
  /** Adds all chunks and blobs of an image; what the database has of the same version of the image is replaced. */
  saveImage(image: string, version: string, bootstrap: Bootstrap): void
  /** All chunks, in the order in which they were added. Rows of other tools, without an index, are left out. */
  chunks(): readonly ChunkRow[]
  /** By blob id. Rows of other tools, without an entry, are left out. */
  blobs(): ReadonlyMap<string, BlobInfo>
  close(): void
}

const URL_PREFIX = 'sqlite://'
const TABLES = `
  CREATE TABLE IF NOT EXISTS chunk (id INTEGER PRIMARY KEY, image_reference TEXT, version TEXT,
    chunk_blob_id TEXT NOT NULL, chunk_digest TEXT, chunk_crc32 INT, chunk_compressed_size INT,
    chunk_uncompressed_size INT, chunk_compressed_offset INT, chunk_uncompressed_offset INT);
  CREATE TABLE IF NOT EXISTS blob (id INTEGER PRIMARY KEY, blob_id TEXT NOT NULL, blob_compressed_size INT,
    blob_uncompressed_size INT, blob_compressor TEXT, blob_meta_ci_compressed_size INT,
    blob_meta_ci_uncompressed_size INT, blob_meta_ci_offset INT);`
const INSERT_CHUNK = `INSERT INTO chunk (image_reference, version, chunk_blob_id, chunk_digest, chunk_crc32,
  chunk_compressed_size, chunk_uncompressed_size, chunk_compressed_offset, chunk_uncompressed_offset, chunk_index)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
const INSERT_BLOB = `INSERT INTO blob (blob_id, blob_compressed_size, blob_uncompressed_size, blob_compressor,
  blob_meta_ci_compressed_size, blob_meta_ci_uncompressed_size, blob_meta_ci_offset, blob_entry)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
const SELECT_CHUNKS = `SELECT image_reference AS image, version, chunk_blob_id AS blobId, chunk_digest AS digest,
  chunk_crc32 AS crc32c, chunk_compressed_size AS compressedSize, chunk_uncompressed_size AS uncompressedSize,
  chunk_compressed_offset AS compressedOffset, chunk_uncompressed_offset AS uncompressedOffset,
  chunk_index AS chunkIndex FROM chunk WHERE chunk_index IS NOT NULL ORDER BY id`

/**
 * Opens `sqlite:///absolute/path.db`, or `sqlite://:memory:` for one that is gone when it is closed.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for another URL, ERR_BUILD_IO when it is no database.
 */
export function openChunkDatabase(url: string): ChunkDatabase {
  const path = databasePath(url)
  const database = openSqlite(path)
  database.exec(TABLES)
  addColumn('chunk', 'chunk_index INT')
  addColumn('blob', 'blob_entry TEXT')

  function addColumn(table: string, column: string): void {
    const [name] = column.split(' ')
    const known = database.prepare(`SELECT name FROM pragma_table_info('${table}')`).all()
    if (!known.some((row) => row.name === name)) database.exec(`ALTER TABLE ${table} ADD COLUMN ${column}`)
  }
  function saveBlob(blob: BlobInfo): void {
    database.prepare('DELETE FROM blob WHERE blob_id = ?').run(blob.blobId)
    database
      .prepare(INSERT_BLOB)
      .run(
        blob.blobId,
        blob.compressedSize,
        blob.uncompressedSize,
        blob.compressor,
        blob.metaCompressedSize,
        blob.metaUncompressedSize,
        blob.metaOffset,
        formatBlob(blob),
      )
  }
  function saveChunks(image: string, version: string, bootstrap: Bootstrap): void {
    const insert = database.prepare(INSERT_CHUNK)
    for (const row of chunkRows(image, version, bootstrap)) {
      const { blobId, digest, crc32c, compressedSize, uncompressedSize, chunkIndex } = row
      const offsets = [row.compressedOffset, row.uncompressedOffset] as const
      insert.run(
        image,
        version,
        blobId,
        digest,
        crc32c,
        compressedSize,
        uncompressedSize,
        ...offsets,
        chunkIndex,
      )
    }
  }

  return {
    saveImage(image, version, bootstrap) {
      database.exec('BEGIN')
      try {
        database.prepare('DELETE FROM chunk WHERE image_reference = ? AND version = ?').run(image, version)
        for (const blob of bootstrap.blobs) if (blob.cipher === 0) saveBlob(blob)
        saveChunks(image, version, bootstrap)
        database.exec('COMMIT')
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
    chunks: () => database.prepare(SELECT_CHUNKS).all() as unknown as readonly ChunkRow[],
    blobs() {
      const rows = database.prepare('SELECT blob_entry AS entry FROM blob WHERE blob_entry IS NOT NULL').all()
      const blobs = rows.map(({ entry }) => parseBlob(String(entry)))
      return new Map(blobs.map((blob) => [blob.blobId, blob]))
    },
    close: () => database.close(),
  }
}

/** Bytes become hex digits. Encrypted blobs have no chunk in the database, so no key gets there. */
function formatBlob(blob: BlobInfo): string {
  return JSON.stringify(blob, (_, value: unknown) => (value instanceof Uint8Array ? hexText(value) : value))
}

const BYTE_MEMBERS: ReadonlySet<string> = new Set<keyof BlobInfo>([
  'tocDigest',
  'metaBlobDigest',
  'ivHead',
  'ivTail',
])

function parseBlob(text: string): BlobInfo {
  return JSON.parse(text, (name, value: unknown) =>
    BYTE_MEMBERS.has(name) ? new Uint8Array(Buffer.from(String(value), 'hex')) : value,
  ) as BlobInfo
}

function databasePath(url: string): string {
  const path = url.startsWith(URL_PREFIX) ? url.slice(URL_PREFIX.length) : ''
  if (path.startsWith('/') || path === ':memory:') return path
  throw new BuildError('ERR_BUILD_OPTION_CONFLICT', `database ${JSON.stringify(url)} cannot be used`, {
    details: { url },
    hint: 'give it as sqlite:///absolute/path.db',
  })
}

/** Chunks that another image could use, in the order of the files, every use of them. */
function* chunkRows(image: string, version: string, bootstrap: Bootstrap): Generator<ChunkRow> {
  const chunks = new ChunkStore()
  loadTree(bootstrap, chunks)
  for (let position = 0; position < chunks.count; position++) {
    const chunk = chunkAt(chunks, position)
    const shared = (chunk.flags & (CHUNK_FLAGS.ENCRYPTED | CHUNK_FLAGS.BATCH)) !== 0
    if (shared || chunk.compressedSize === 0) continue
    yield {
      image,
      version,
      blobId: bootstrap.blobs[chunk.blobIndex]?.blobId ?? '',
      digest: hexText(chunk.digest),
      crc32c: (chunk.flags & CHUNK_FLAGS.HAS_CRC32C) === 0 ? 0 : chunk.crc32c,
      compressedSize: chunk.compressedSize,
      uncompressedSize: chunk.uncompressedSize,
      compressedOffset: chunk.compressedOffset,
      uncompressedOffset: chunk.uncompressedOffset,
      chunkIndex: chunk.chunkIndex,
    }
  }
}
