// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'
import { gunzipSync, gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { beforeAll, describe, expect, it } from 'vitest'
import { bytesText, listFiles, openImageLayer, parseBlobMetaFile } from '../../src/browser/index.ts'
import { walkTree } from '../../src/index.ts'
import { bootstrapLayers, output } from '../golden.ts'

const ALL_LAYERS = bootstrapLayers()
const LAYERS = ALL_LAYERS.filter(({ id }) => !isV5(id))
const ENTRY = fileURLToPath(new URL('../../src/browser/index.ts', import.meta.url))

function isV5(id: string): boolean {
  return ['image-v5', 'image-v5-docker', 'image-align-v5'].includes(id)
}

describe('openImageLayer', () => {
  it.each(LAYERS)('opens the bootstrap layer of $id', ({ bytes }) => {
    const { bootstrap, blobMetaFiles } = openImageLayer(bytes)
    expect([...listFiles(bootstrap)].length).toBe([...walkTree(bootstrap)].length)
    expect(blobMetaFiles.size).toBeGreaterThan(0)
  })
  it('finds the blob metas of all blobs', () => {
    const layer = LAYERS.find(({ id }) => id === 'image-default')
    const { bootstrap, blobMetaFiles } = openImageLayer(layer?.bytes ?? new Uint8Array(0))
    const counts = bootstrap.blobs.map(({ blobId }) => {
      const file = blobMetaFiles.get(blobId)
      return file && parseBlobMetaFile(file).header.chunkCount
    })
    expect(counts).toEqual(bootstrap.blobs.map(({ chunkCount }) => chunkCount))
  })
  it.each(ALL_LAYERS.filter(({ id }) => isV5(id)))(
    'opens the v5 image $id, which has no blob metas',
    ({ bytes }) => {
      const { bootstrap, blobMetaFiles } = openImageLayer(bytes)
      expect(bootstrap.fsVersion).toBe(5)
      expect([...listFiles(bootstrap)].length).toBe([...walkTree(bootstrap)].length)
      expect(blobMetaFiles.size).toBe(0)
    },
  )
  it('takes the plain tar as well', () => {
    const [layer] = LAYERS
    const tar = new Uint8Array(gunzipSync(layer?.bytes ?? new Uint8Array(0)))
    expect(openImageLayer(tar).bootstrap.rootNid).toBe(128)
  })
  it.each([
    [
      'a layer above the cap',
      gzipSync(new Uint8Array(1 << 20)),
      { maxBytes: 1000 },
      'ERR_DECOMPRESS_TOO_LARGE',
    ],
    ['a layer without bootstrap', gzipSync(new Uint8Array(1024)), {}, 'ERR_FORMAT_CORRUPT'],
    ['damaged gzip', new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3]), {}, 'ERR_DECOMPRESS_FAILED'],
    ['what is no tar', gzipSync(new Uint8Array(1024).fill(1)), {}, 'ERR_FORMAT_CHECKSUM_MISMATCH'],
    ['nothing', new Uint8Array(0), {}, 'ERR_FORMAT_CORRUPT'],
  ])('refuses %s', (_, layer, options, code) => {
    expect(() => openImageLayer(new Uint8Array(layer), options)).toThrowError(
      expect.objectContaining({ code }),
    )
  })
  it('refuses a layer that is cut', () => {
    const [layer] = LAYERS
    const { bytes } = layer ?? { bytes: new Uint8Array(0) }
    expect(() => openImageLayer(bytes.subarray(0, bytes.length >> 1))).toThrowError(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_(DECOMPRESS|FORMAT)/) }),
    )
  })
  it('shows symlink targets', () => {
    const [link] = [
      ...listFiles(openImageLayer(withBoot(output('tiny-tar-v6', 'bootstrap'))).bootstrap),
    ].filter(({ target }) => target !== undefined)
    expect(link).toMatchObject({ path: '/link', target: 'dir/a' })
  })
})

describe('the browser bundle', () => {
  let code = ''
  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [ENTRY],
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'iife',
      globalName: 'rafs',
      conditions: ['@nydus/source'],
    })
    code = outputFiles[0]?.text ?? ''
  })

  it.each(LAYERS.slice(0, 6))('lists $id with nothing but JavaScript around it', ({ bytes }) => {
    const context = vm.createContext({})
    vm.runInContext(code, context)
    const paths = vm.runInContext(
      `(bytes) => [...rafs.listFiles(rafs.openImageLayer(Uint8Array.from(bytes)).bootstrap)].map((file) => file.path).join('\\n')`,
      context,
    )([...bytes])
    const expected = [...walkTree(openImageLayer(bytes).bootstrap)].map(
      ({ path }) => `/${path.map(bytesText).join('/')}`,
    )
    expect(paths.split('\n')).toEqual(expected)
    expect(vm.runInContext('typeof process + typeof Buffer + typeof TextDecoder', context)).toBe(
      'undefined'.repeat(3),
    )
  })
})

/** A tar with `image/image.boot` alone. */
function withBoot(bootstrap: Uint8Array): Uint8Array {
  const header = new Uint8Array(512)
  header.set(Buffer.from('image/image.boot'))
  header.set(Buffer.from(`${bootstrap.length.toString(8).padStart(11, '0')}\0`), 124)
  const sum = header.reduce((total, byte) => total + byte, 8 * 32)
  header.set(Buffer.from(`${sum.toString(8).padStart(7, '0')}\0`), 148)
  return new Uint8Array(Buffer.concat([header, bootstrap, new Uint8Array(1024)]))
}
