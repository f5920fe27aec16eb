// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isIndex } from '../src/index.ts'
import { parseDocument } from '../src/parse-document.ts'
import { smallImage } from './support/content.ts'

const BLOBS = new URL('../../../fixtures/image/blobs/', import.meta.url)
const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

describe('parseDocument', () => {
  it('reads every manifest and index that the original tools wrote', () => {
    let manifests = 0
    let indexes = 0
    for (const name of readdirSync(BLOBS)) {
      const bytes = readFileSync(new URL(name, BLOBS))
      if (bytes[0] !== 0x7b || !bytes.includes('"schemaVersion"')) continue
      const { document, mediaType } = parseDocument(bytes, undefined, name)
      expect(mediaType).toBe(document.mediaType ?? mediaType)
      if (isIndex(document)) indexes++
      else manifests++
    }
    expect(manifests).toBeGreaterThan(5)
    expect(indexes).toBeGreaterThan(0)
  })

  it('takes the media type from the document, then from the header, then from the shape', () => {
    const { document } = smallImage()
    const { mediaType: _, ...untyped } = document
    const docker = 'application/vnd.docker.distribution.manifest.v2+json'
    expect(parseDocument(encode(document), docker, 'x').mediaType).toBe(document.mediaType)
    expect(parseDocument(encode(untyped), `${docker}; charset=utf-8`, 'x').mediaType).toBe(docker)
    expect(parseDocument(encode(untyped), 'text/plain', 'x').mediaType).toBe(document.mediaType)
    expect(parseDocument(encode({ schemaVersion: 2, manifests: [] }), undefined, 'x').mediaType).toContain(
      'index',
    )
  })

  const { document } = smallImage()
  const layer = document.layers[0]
  it.each([
    ['not JSON', Buffer.from('{'), 'not JSON'],
    ['bad UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not JSON'],
    ['a list', encode([]), 'not a JSON object'],
    ['no version', encode({ ...document, schemaVersion: undefined }), 'schemaVersion'],
    ['no config', encode({ ...document, config: undefined }), 'config'],
    ['layers that are no list', encode({ ...document, layers: {} }), 'layers'],
    ['both kinds at once', encode({ ...document, manifests: [] }), 'manifests in a manifest'],
    [
      'an index with layers',
      encode({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: [],
        layers: [],
      }),
      'layers in an index',
    ],
    [
      'a digest with a path',
      encode({ ...document, layers: [{ ...layer, digest: 'sha256:../../x' }] }),
      'layers[0]: bad digest',
    ],
    ['a negative size', encode({ ...document, layers: [{ ...layer, size: -1 }] }), 'size'],
    ['a size that is text', encode({ ...document, layers: [{ ...layer, size: '1' }] }), 'size'],
    ['a huge size', encode({ ...document, layers: [{ ...layer, size: 2 ** 60 }] }), 'size'],
    ['annotations that are no texts', encode({ ...document, annotations: { a: 1 } }), 'annotations'],
    [
      'a bad platform',
      encode({ ...document, config: { ...document.config, platform: { os: 1 } } }),
      'platform',
    ],
    ['a bad subject', encode({ ...document, subject: {} }), 'subject'],
    ['too many layers', encode({ ...document, layers: Array(10_001).fill(layer) }), 'layers'],
  ])('refuses %s', (_, bytes, reason) => {
    expect(() => parseDocument(bytes, undefined, 'thing')).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT', message: expect.stringContaining(reason) }),
    )
  })

  it.each([
    ['docker schema 1', encode({ schemaVersion: 1, name: 'a' })],
    ['another kind of document', encode({ schemaVersion: 2, mediaType: 'application/x' })],
  ])('tells that %s is no image', (_, bytes) => {
    expect(() => parseDocument(bytes, undefined, 'thing')).toThrow(
      expect.objectContaining({ code: 'ERR_IMAGE_NOT_AN_IMAGE' }),
    )
  })
})
