// SPDX-License-Identifier: Apache-2.0
import { Writable } from 'node:stream'
import type { TextStream } from './context.ts'

/**
 * Writes bytes and waits until the stream has taken them.
 * @returns false when nobody reads any more (`nydus inspect cat … | head`).
 */
export async function writeBytes(stream: TextStream, bytes: Uint8Array): Promise<boolean> {
  if (!(stream instanceof Writable)) {
    stream.write(bytes)
    return true
  }
  return await new Promise((resolve) => stream.write(bytes, (error) => resolve(!error)))
}
