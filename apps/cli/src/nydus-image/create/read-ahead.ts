// SPDX-License-Identifier: Apache-2.0
/** A large file in pieces, one ahead of its consumer, without new memory for each. */
import { type FileHandle, open } from 'node:fs/promises'

const PIECE_BYTES = 1 << 20

/** The bytes of a file; a piece is valid only until the next one is asked for. @throws system errors. */
export async function* readAhead(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await open(path, 'r')
  let pending: Promise<Uint8Array> | undefined
  try {
    let spare = Buffer.allocUnsafeSlow(PIECE_BYTES)
    let current = Buffer.allocUnsafeSlow(PIECE_BYTES)
    pending = fill(handle, current)
    for (;;) {
      const piece = await pending
      pending = undefined
      if (piece.length === 0) return
      // A piece that is not full is the last one.
      if (piece.length === PIECE_BYTES) pending = fill(handle, spare)
      yield piece
      if (pending === undefined) return
      ;[current, spare] = [spare, current]
    }
  } finally {
    await pending?.catch(() => undefined)
    await handle.close()
  }
}

async function fill(handle: FileHandle, buffer: Buffer): Promise<Uint8Array> {
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, null)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
