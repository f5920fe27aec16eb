// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync } from 'node:fs'
import { NydusError } from '@nydus/base/error'
import { lookupEntry, openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { BlobRangeReader } from '../src/blob-range-reader.ts'
import { createFileReader } from '../src/file-reader.ts'
import { fixtureBootstrap } from './support/fixture.ts'

const bootstrap = openBootstrap(fixtureBootstrap('mixed-tar-v6-zstd-blake3'))
const nid = lookupEntry(bootstrap, bootstrap.rootNid, new TextEncoder().encode('random-small'))?.nid ?? -1
const full = new NydusError('ERR_CACHE_NO_SPACE', 'the disk is full')

function reader(port: Pick<BlobRangeReader, 'fill' | 'read'>) {
  const fd = openSync('/dev/null', 'r')
  onTestFinished(() => closeSync(fd))
  const empty = {
    chunkStarts: new Float64Array(),
    chunkSizes: new Uint32Array(),
    readyBits: new Uint8Array(),
  }
  const open = async (blobIndex: number) => ({ blobIndex, fd, uncompressedSize: 0, ...empty })
  return createFileReader({ bootstrap, blobs: { open, ...port }, signal: new AbortController().signal })
}

describe('createFileReader', () => {
  it('takes bytes that cannot be kept from the port', async () => {
    const read = async (_: number, { length }: { length: number }) => new Uint8Array(length).fill(7)
    const part = await reader({ fill: () => Promise.reject(full), read })(nid, 0, 4096)
    const target = new Uint8Array(4096)
    part.copyTo(target)
    expect(part.length).toBe(700)
    expect(target.indexOf(0)).toBe(700)
  })

  it('refuses bytes of another length', async () => {
    const read = async () => new Uint8Array(699)
    const part = reader({ fill: () => Promise.reject(full), read })(nid, 0, 4096)
    await expect(part).rejects.toMatchObject({ code: 'ERR_CACHE_SHORT_READ' })
  })

  it('passes on every other failure, and a full disk where the port has nothing else', async () => {
    const gone = new NydusError('ERR_REGISTRY_CONNECTION', 'gone')
    const read = async () => new Uint8Array(700)
    await expect(reader({ fill: () => Promise.reject(gone), read })(nid, 0, 4096)).rejects.toBe(gone)
    await expect(reader({ fill: () => Promise.reject(full) })(nid, 0, 4096)).rejects.toBe(full)
  })
})
