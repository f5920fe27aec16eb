// SPDX-License-Identifier: Apache-2.0
/** The target as a real mount shows it: every attribute by `lstat`, every byte read. */
import type { BigIntStats } from 'node:fs'
import { type FileHandle, lstat, open, readdir, readlink } from 'node:fs/promises'
import { equalBytes } from '@nydus/base/binary'
import { isNydusError, NydusError } from '@nydus/base/error'
import { FILE_TYPE, S_IFMT, type Xattr } from '@nydus/rafs-format'
import { type ByteText, byteText, displayText, textBytes } from '../byte-path.ts'
import { type ChunkScheme, DIGEST_BYTES, digestContent } from '../source/digest-content.ts'
import { xattrMap } from '../source/source-node.ts'
import type { TargetAttributes, TargetTree } from './target-tree.ts'

/** A mounted image. */
export interface MountedTarget {
  /** Directory where it is mounted. */
  readonly path: string
  /** Extended attributes of one object, links not followed; left out where they cannot be read. */
  readonly readXattrs?: (path: Uint8Array) => readonly Xattr[] | Promise<readonly Xattr[]>
  /** Unmounts. */
  close(): Promise<void>
}

/** Mounts the image that is being checked. */
export type MountTarget = () => Promise<MountedTarget>

const READ_BYTES = 1 << 20
/**
 * Of the four threads that Node has for files. The mount is served by this process: what is not in its cache yet is
 * fetched with the other two, so with all four waiting for the mount nothing would ever move again.
 */
const MAX_CONCURRENCY = 2

/** Buffers for reading, used again and again: one a file would keep the garbage collector busier than everything else. */
type BufferPool = Buffer[]

/** Objects are named by their path, one character per byte. */
export function openMountedTree(mounted: MountedTarget, scheme: ChunkScheme): TargetTree<ByteText> {
  const buffers: BufferPool = []
  return {
    root: byteText(Buffer.from(mounted.path)),
    concurrency: MAX_CONCURRENCY,
    attributes: (path) => attributesOf(path, mounted.readXattrs).catch(rethrow(path)),
    async list(path) {
      const names = await readdir(pathBuffer(path), { encoding: 'buffer' }).catch(rethrow(path))
      return new Map(names.map((name) => [byteText(name), `${path}/${byteText(name)}`]))
    },
    contentFault: (path, chunkDigests) => contentFault(path, chunkDigests, scheme, buffers),
  }
}

/** The mount is gone, or its daemon cannot read the image: no difference between trees, and no fault of this program. */
function rethrow(path: ByteText): (cause: unknown) => never {
  return (cause) => {
    if (isNydusError(cause)) throw cause
    const message = `the mount cannot be read at ${displayText(path)}: ${(cause as Error).message}`
    throw new NydusError('ERR_CACHE_IO', message, { hint: 'is it still mounted?' })
  }
}

async function attributesOf(
  path: ByteText,
  readXattrs: MountedTarget['readXattrs'],
): Promise<TargetAttributes> {
  const bytes = pathBuffer(path)
  const stat = await lstat(bytes, { bigint: true })
  const mode = Number(stat.mode)
  const type = mode & S_IFMT
  return {
    mode,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: Math.floor(Number(stat.mtimeNs / 1_000_000_000n)),
    size: Number(stat.size),
    rdev: type === FILE_TYPE.CHAR_DEVICE || type === FILE_TYPE.BLOCK_DEVICE ? deviceNumber(stat) : 0,
    identity: `${stat.dev}:${stat.ino}`,
    symlink: type === FILE_TYPE.SYMLINK ? byteText(await readlink(bytes, { encoding: 'buffer' })) : undefined,
    xattrs: readXattrs === undefined ? undefined : xattrMap(await readXattrs(bytes)),
  }
}

async function contentFault(
  path: ByteText,
  expected: Uint8Array,
  scheme: ChunkScheme,
  buffers: BufferPool,
): Promise<string | undefined> {
  const file = await open(pathBuffer(path), 'r').catch(rethrow(path))
  const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES)
  try {
    const found = await digestContent(readPieces(file, buffer), scheme)
    if (equalBytes(found, expected)) return undefined
    for (let i = 0; i < expected.length; i += DIGEST_BYTES) {
      if (equalBytes(found.subarray(i, i + DIGEST_BYTES), expected.subarray(i, i + DIGEST_BYTES))) continue
      return `content differs in the chunk at 0x${((i / DIGEST_BYTES) * scheme.chunkSize).toString(16)}`
    }
    return `content has ${found.length / DIGEST_BYTES} chunks, expected ${expected.length / DIGEST_BYTES}`
  } catch (error) {
    return `cannot be read: ${(error as Error).message}`
  } finally {
    buffers.push(buffer)
    await file.close()
  }
}

/** Each piece is valid until the next one is asked for. */
async function* readPieces(file: FileHandle, buffer: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** `dev_t` of the C library → Linux's 32-bit encoding: the same for devices that fit it. */
function deviceNumber(stat: BigIntStats): number {
  return Number(BigInt.asUintN(32, stat.rdev))
}

function pathBuffer(path: ByteText): Buffer {
  return Buffer.from(textBytes(path))
}
