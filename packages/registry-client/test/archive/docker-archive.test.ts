// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type Manifest, openImageStore } from '../../src/index.ts'
import { collect, failureOf, identityOf, inDirectory, patternBytes, smallImage } from '../support/content.ts'
import { tarMember, tarOf } from '../support/tar.ts'

const layers = [tarOf(tarMember('one', '1')), tarOf(tarMember('two', '2'))]
const [first, second] = layers as [Buffer, Buffer]
const config = Buffer.from(
  JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => identityOf(layer).digest) },
  }),
)
const savedImage = {
  Config: 'abc.json',
  RepoTags: ['alpine:3', 'reg.io/x:1'],
  Layers: ['1/layer.tar', '2/layer.tar'],
}

function saved(manifest: unknown, ...more: Buffer[]): Buffer {
  return tarOf(
    tarMember('1/layer.tar', first),
    tarMember('2/layer.tar', second),
    tarMember('abc.json', config),
    tarMember('manifest.json', typeof manifest === 'string' ? manifest : JSON.stringify(manifest)),
    ...more,
  )
}

function withArchive<T>(bytes: Buffer, work: (path: string) => Promise<T>): Promise<T> {
  return inDirectory(async (directory) => {
    const path = join(directory, 'saved.tar')
    await writeFile(path, bytes)
    return work(path)
  })
}

describe('an old docker save', () => {
  it.each(['', ':alpine:3', ':docker.io/library/alpine:3', ':reg.io/x:1'])('reads as an image (%j)', (name) =>
    withArchive(saved([savedImage]), async (path) => {
      const store = openImageStore(`docker-archive:${path}${name}`)
      const descriptor = await store.resolve()
      const { document, mediaType } = await store.manifest(descriptor)
      expect(mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json')
      expect(document).toMatchObject({
        config: { mediaType: 'application/vnd.docker.container.image.v1+json', ...identityOf(config) },
        layers: layers.map((layer) => ({
          mediaType: 'application/vnd.docker.image.rootfs.diff.tar',
          ...identityOf(layer),
        })),
      })
      for (const bytes of [config, ...layers]) {
        expect(Buffer.compare(await collect(store.openBlob(identityOf(bytes))), bytes)).toBe(0)
      }
      expect(await store.readBlobRange(identityOf(second).digest, { offset: 512, length: 1 })).toEqual(
        Uint8Array.from(second.subarray(512, 513)),
      )
      await store.close()
    }),
  )

  it('has the digests of compressed layers as they are stored', () => {
    const packed = gzipSync(first)
    const archive = tarOf(
      tarMember('l.tar.gz', packed),
      tarMember('2/layer.tar', second),
      tarMember('c', config),
      tarMember(
        'manifest.json',
        JSON.stringify([{ Config: 'c', RepoTags: null, Layers: ['l.tar.gz', '2/layer.tar'] }]),
      ),
    )
    return withArchive(archive, async (path) => {
      const store = openImageStore(`docker-archive:${path}`)
      const { document } = await store.manifest(await store.resolve())
      expect((document as Manifest).layers.map(({ mediaType, digest }) => [mediaType, digest])).toEqual([
        ['application/vnd.docker.image.rootfs.diff.tar.gzip', identityOf(packed).digest],
        ['application/vnd.docker.image.rootfs.diff.tar', identityOf(second).digest],
      ])
      await store.close()
    })
  })

  it('notices a layer that is not what the config says', () => {
    const wrong = patternBytes(first.length)
    const archive = tarOf(
      tarMember('1/layer.tar', wrong),
      tarMember('2/layer.tar', second),
      tarMember('abc.json', config),
      tarMember('manifest.json', JSON.stringify([savedImage])),
    )
    return withArchive(archive, async (path) => {
      const store = openImageStore(`docker-archive:${path}`)
      expect(await failureOf(collect(store.openBlob(identityOf(first))))).toMatchObject({
        code: 'ERR_DIGEST_MISMATCH',
      })
      await store.close()
    })
  })

  it.each([
    ['no manifest.json', tarOf(tarMember('x', '')), 'ERR_IMAGE_NOT_AN_IMAGE'],
    ['a manifest.json that is not JSON', saved('['), 'ERR_FORMAT_CORRUPT'],
    ['a manifest.json that is no list', saved({}), 'ERR_FORMAT_CORRUPT'],
    ['an entry without layers', saved([{ ...savedImage, Layers: undefined }]), 'ERR_FORMAT_CORRUPT'],
    ['a layer too few', saved([{ ...savedImage, Layers: ['1/layer.tar'] }]), 'ERR_FORMAT_CORRUPT'],
    [
      'a layer that is not there',
      saved([{ ...savedImage, Layers: ['1/layer.tar', '3'] }]),
      'ERR_REGISTRY_NOT_FOUND',
    ],
    ['a config that is not there', saved([{ ...savedImage, Config: 'x' }]), 'ERR_REGISTRY_NOT_FOUND'],
    [
      'a config without diff ids',
      saved([{ ...savedImage, Config: 'c' }], tarMember('c', '{}')),
      'ERR_FORMAT_CORRUPT',
    ],
    ['no image', saved([]), 'ERR_REGISTRY_NOT_FOUND'],
  ])('reports %s', (_, bytes, code) =>
    withArchive(bytes, async (path) => {
      const store = openImageStore(`docker-archive:${path}`)
      expect(await failureOf(store.resolve())).toMatchObject({ code })
      await store.close()
    }),
  )

  it('lists the names when none or a wrong one is given', () =>
    withArchive(saved([savedImage, { ...savedImage, RepoTags: ['other:1'] }]), async (path) => {
      for (const name of ['', ':third:1']) {
        expect(await failureOf(openImageStore(`docker-archive:${path}${name}`).resolve())).toMatchObject({
          code: 'ERR_REGISTRY_NOT_FOUND',
          hint: expect.stringContaining('alpine:3, reg.io/x:1, other:1'),
        })
      }
    }))

  it('is only read', () =>
    withArchive(saved([savedImage]), async (path) => {
      const store = openImageStore(`docker-archive:${path}`)
      expect(await failureOf(store.putBlob(identityOf(config), config))).toMatchObject({ code: 'ERR_USAGE' })
      expect(await failureOf(store.putManifest(config, 'x'))).toMatchObject({ code: 'ERR_USAGE' })
      expect(await failureOf(openImageStore(`docker-archive:${path}.none`).resolve())).toMatchObject({
        code: 'ERR_REGISTRY_NOT_FOUND',
      })
    }))
})

describe('a new docker save, which holds an OCI layout', () => {
  it('is read by the layout', () => {
    const image = smallImage()
    const name = (bytes: Uint8Array): string => `blobs/sha256/${identityOf(bytes).digest.slice(7)}`
    const entry = {
      mediaType: image.mediaType,
      ...identityOf(image.manifest),
      annotations: {
        'io.containerd.image.name': 'docker.io/library/alpine:3',
        'org.opencontainers.image.ref.name': '3',
      },
    }
    const archive = tarOf(
      ...[image.layer, image.config, image.manifest].map((bytes) => tarMember(name(bytes), bytes)),
      tarMember('index.json', JSON.stringify({ schemaVersion: 2, manifests: [entry] })),
      tarMember('oci-layout', '{"imageLayoutVersion":"1.0.0"}'),
      tarMember(
        'manifest.json',
        JSON.stringify([{ Config: name(image.config), RepoTags: ['alpine:3'], Layers: [name(image.layer)] }]),
      ),
    )
    return withArchive(archive, async (path) => {
      const store = openImageStore(`docker-archive:${path}:alpine:3`)
      expect((await store.manifest(await store.resolve())).document).toEqual(image.document)
      expect(Buffer.compare(await collect(store.openBlob(identityOf(image.layer))), image.layer)).toBe(0)
      await store.close()
    })
  })
})
