// SPDX-License-Identifier: Apache-2.0
/** Named byte sequences with random access: files of a directory, members of an archive, documents made up in memory. */
import { RegistryError } from '../errors.ts'

/** One open member. Reads may run concurrently; the opener closes it. */
export interface Member {
  /** Bytes. */
  readonly size: number
  /** Reads exactly `length` bytes; the caller has checked the range against `size`. */
  read(offset: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** A set of members by their `/`-separated names, e.g. `blobs/sha256/…`. */
export interface MemberFiles {
  /** Opens a member; undefined when there is none. */
  open(name: string): Promise<Member | undefined>
  /** Tells whether the directory or archive is there at all; left out where that is certain. */
  exists?(): Promise<boolean>
  close(): Promise<void>
}

/** Streams read pieces of this size: large enough that hashing, not the number of reads, sets the pace. */
const STREAM_PIECE_BYTES = 1 << 20

/** Streams a member from `offset` to its end, and closes it. Each piece is an array of its own. */
export async function* memberStream(
  member: Member,
  offset: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let at = offset; at < member.size; ) {
      signal?.throwIfAborted()
      const length = Math.min(STREAM_PIECE_BYTES, member.size - at)
      yield await member.read(at, length)
      at += length
    }
  } finally {
    await member.close()
  }
}

/** Reads a small member whole; undefined when there is none. @throws {RegistryError} ERR_REGISTRY_BAD_RESPONSE past `limit`. */
export async function readMember(
  files: MemberFiles,
  name: string,
  limit: number,
): Promise<Uint8Array | undefined> {
  const member = await files.open(name)
  if (member === undefined) return undefined
  try {
    if (member.size <= limit) return await member.read(0, member.size)
    throw new RegistryError(
      'ERR_REGISTRY_BAD_RESPONSE',
      `${name} has ${member.size} bytes, at most ${limit} are read`,
      {
        details: { name, limit, found: member.size },
      },
    )
  } finally {
    await member.close()
  }
}

/** A member whose bytes are in memory. */
export function memoryMember(bytes: Uint8Array): Member {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.slice(offset, offset + length),
    close: async () => {},
  }
}
