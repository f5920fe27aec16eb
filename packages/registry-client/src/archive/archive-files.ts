// SPDX-License-Identifier: Apache-2.0
/** The members of a tar file, read where they are. */
import { RegistryError } from '../errors.ts'
import { openFile, readExactly } from '../local/file-io.ts'
import type { MemberFiles } from '../local/member.ts'
import { indexTar } from './tar-index.ts'

const GZIP_MAGIC = [0x1f, 0x8b]
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd]

/** Opens and indexes a tar file; undefined when there is no such file. */
export async function openArchiveFiles(path: string): Promise<MemberFiles | undefined> {
  const file = await openFile(path)
  if (file === undefined) return undefined
  const { handle, size } = file
  const read = (offset: number, length: number): Promise<Uint8Array> =>
    readExactly(handle, path, offset, length)
  try {
    const compression = compressionOf(await read(0, Math.min(size, 4)))
    if (compression !== undefined) throw compressed(path, compression)
    const index = await indexTar({ size, read }, path)
    return {
      async open(name) {
        const extent = index.find(name)
        if (extent === undefined) return undefined
        return {
          size: extent.size,
          read: (offset, length) => read(extent.offset + offset, length),
          close: async () => {},
        }
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** What the first bytes say: a compressed stream, or undefined. */
export function compressionOf(start: Uint8Array): 'gzip' | 'zstd' | undefined {
  if (GZIP_MAGIC.every((byte, position) => start[position] === byte)) return 'gzip'
  return ZSTD_MAGIC.every((byte, position) => start[position] === byte) ? 'zstd' : undefined
}

function compressed(path: string, compression: 'gzip' | 'zstd'): RegistryError {
  const command = compression === 'gzip' ? 'gunzip' : 'zstd -d'
  return new RegistryError(
    'ERR_IMAGE_NOT_AN_IMAGE',
    `${path} is compressed (${compression}): its members cannot be read in place`,
    {
      details: { path, compression },
      hint: `decompress it first: ${command} < ${path} > image.tar`,
    },
  )
}
