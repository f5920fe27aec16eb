// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openImageStore } from '../../src/index.ts'
import { collect, failureOf, identityOf, inDirectory, smallImage } from '../support/content.ts'

const image = smallImage()

async function push(text: string, which = image, tag = 'from-reference'): Promise<void> {
  const store = openImageStore(text)
  for (const bytes of [which.layer, which.config]) await store.putBlob(identityOf(bytes), bytes)
  await store.putManifest(which.manifest, which.mediaType, { tag })
  await store.close()
}

describe('an OCI layout directory', () => {
  it('gives back what was put', () =>
    inDirectory(async (directory) => {
      await push(`oci:${directory}/new/images:v1`)
      const store = openImageStore(`oci:${directory}/new/images:v1`)
      const descriptor = await store.resolve()
      expect(descriptor).toMatchObject({ mediaType: image.mediaType, ...identityOf(image.manifest) })
      expect((await store.manifest(descriptor)).document).toEqual(image.document)
      const layer = identityOf(image.layer)
      expect(Buffer.compare(await collect(store.openBlob(layer)), image.layer)).toBe(0)
      expect(await collect(store.openBlob(layer, { offset: 9_999 }))).toHaveLength(1)
      expect(await store.readBlobRange(layer.digest, { offset: 3, length: 4 })).toEqual(
        image.layer.subarray(3, 7),
      )
      expect(await store.hasBlob(layer)).toBe(true)
      expect(await store.blobSize(layer.digest)).toBe(layer.size)
      expect(await store.mountBlob(layer, 'x')).toBe(false)
      expect(store.kind).toBe('oci-layout')
    }))

  it('is laid out as the specification says, without anything else', () =>
    inDirectory(async (directory) => {
      await push(`oci:${directory}:v1`)
      expect((await readdir(directory)).sort()).toEqual(['blobs', 'index.json', 'oci-layout'])
      expect(await readdir(join(directory, 'blobs/sha256'))).toHaveLength(3)
      expect(await readFile(join(directory, 'oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}')
      expect(JSON.parse(await readFile(join(directory, 'index.json'), 'utf8'))).toEqual({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: [
          {
            mediaType: image.mediaType,
            ...identityOf(image.manifest),
            annotations: { 'org.opencontainers.image.ref.name': 'v1' },
          },
        ],
      })
    }))

  it('holds many images; a tag moves, others stay', () =>
    inDirectory(async (directory) => {
      const other = smallImage(2)
      await push(`oci:${directory}:v1`)
      await push(`oci:${directory}:v2`, other)
      expect((await openImageStore(`oci:${directory}:v1`).resolve()).digest).toBe(
        identityOf(image.manifest).digest,
      )
      await push(`oci:${directory}:v1`, other)
      for (const tag of ['v1', 'v2']) {
        expect((await openImageStore(`oci:${directory}:${tag}`).resolve()).digest).toBe(
          identityOf(other.manifest).digest,
        )
      }
      const pinned = openImageStore(`oci:${directory}@${identityOf(other.manifest).digest}`)
      expect((await pinned.resolve()).size).toBe(other.manifest.length)
    }))

  it('keeps all tags of concurrent writers in one process', () =>
    inDirectory(async (directory) => {
      const store = openImageStore(`oci:${directory}`)
      for (const bytes of [image.layer, image.config]) await store.putBlob(identityOf(bytes), bytes)
      const tags = Array.from({ length: 8 }, (_, number) => `t${number}`)
      await Promise.all(tags.map((tag) => store.putManifest(image.manifest, image.mediaType, { tag })))
      for (const tag of tags) await openImageStore(`oci:${directory}:${tag}`).resolve()
    }))

  it('leaves nothing behind when the content is wrong or its source fails', () =>
    inDirectory(async (directory) => {
      const store = openImageStore(`oci:${directory}`)
      const { digest } = identityOf(image.layer)
      const wrong = { digest, size: image.config.length }
      expect(await failureOf(store.putBlob(wrong, image.config))).toMatchObject({
        code: 'ERR_DIGEST_MISMATCH',
      })
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield image.layer.subarray(0, 10)
        throw new Error('source broke')
      }
      await expect(store.putBlob(identityOf(image.layer), source)).rejects.toThrow('source broke')
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await expect(store.putBlob(identityOf(image.layer), image.layer, { signal })).rejects.toBe(reason)
      expect((await readdir(directory)).sort()).toEqual(['blobs', 'oci-layout'])
      expect(await readdir(join(directory, 'blobs/sha256'))).toEqual([])
    }))

  it('refuses a manifest whose content is not there', () =>
    inDirectory(async (directory) => {
      const store = openImageStore(`oci:${directory}:v1`)
      await store.putBlob(identityOf(image.config), image.config)
      expect(
        await failureOf(store.putManifest(image.manifest, image.mediaType, { tag: 'from-reference' })),
      ).toMatchObject({
        code: 'ERR_REGISTRY_UPLOAD_REJECTED',
        message: expect.stringContaining(identityOf(image.layer).digest),
      })
      expect(await failureOf(store.resolve())).toMatchObject({ code: 'ERR_IMAGE_NOT_AN_IMAGE' })
    }))

  it('notices damage', () =>
    inDirectory(async (directory) => {
      await push(`oci:${directory}:v1`)
      const layer = identityOf(image.layer)
      const path = join(directory, 'blobs/sha256', layer.digest.slice(7))
      const damaged = Buffer.from(image.layer)
      damaged[5] = (damaged[5] ?? 0) ^ 1
      await writeFile(path, damaged)
      const store = openImageStore(`oci:${directory}:v1`)
      expect(await failureOf(collect(store.openBlob(layer)))).toMatchObject({ code: 'ERR_DIGEST_MISMATCH' })
      await writeFile(path, damaged.subarray(1))
      expect(await failureOf(collect(store.openBlob(layer)))).toMatchObject({ code: 'ERR_SIZE_MISMATCH' })
      expect(
        await failureOf(store.readBlobRange(layer.digest, { offset: 0, length: layer.size })),
      ).toMatchObject({
        code: 'ERR_FORMAT_OUT_OF_RANGE',
      })
      const manifest = identityOf(image.manifest)
      await writeFile(
        join(directory, 'blobs/sha256', manifest.digest.slice(7)),
        Buffer.alloc(manifest.size, 0x20),
      )
      expect(await failureOf(store.manifest(manifest))).toMatchObject({ code: 'ERR_DIGEST_MISMATCH' })
    }))

  it.each([
    ['no index.json', undefined, 'ERR_IMAGE_NOT_AN_IMAGE'],
    ['an index.json that is not JSON', '{', 'ERR_FORMAT_CORRUPT'],
    ['an index.json that is a manifest', JSON.stringify(image.document), 'ERR_IMAGE_NOT_AN_IMAGE'],
    ['an index.json without images', '{"schemaVersion":2,"manifests":[]}', 'ERR_REGISTRY_NOT_FOUND'],
  ])('reports %s', (_, content, code) =>
    inDirectory(async (directory) => {
      if (content !== undefined) await writeFile(join(directory, 'index.json'), content)
      expect(await failureOf(openImageStore(`oci:${directory}:v1`).resolve())).toMatchObject({ code })
    }),
  )

  it('does not follow a blob that is a directory', () =>
    inDirectory(async (directory) => {
      const layer = identityOf(image.layer)
      await mkdir(join(directory, 'blobs/sha256', layer.digest.slice(7)), { recursive: true })
      expect(await failureOf(openImageStore(`oci:${directory}`).hasBlob(layer))).toMatchObject({
        code: 'ERR_BLOB_READ',
      })
    }))

  it('says that a layout does not exist', () =>
    inDirectory(async (directory) => {
      expect(await failureOf(openImageStore(`oci:${directory}/none:v1`).resolve())).toMatchObject({
        code: 'ERR_REGISTRY_NOT_FOUND',
        message: `oci:${directory}/none:v1 does not exist`,
      })
    }))

  it('removes a layout that it made when no image came into it', () =>
    inDirectory(async (directory) => {
      const store = openImageStore(`oci:${directory}/a/b:v1`)
      await store.putBlob(identityOf(image.config), image.config)
      expect(await failureOf(store.putBlob(identityOf(image.layer), image.layer.subarray(1)))).toMatchObject({
        code: 'ERR_SIZE_MISMATCH',
      })
      await store.close()
      expect(await readdir(directory)).toEqual([])
    }))

  it('leaves alone what was there before, and what somebody else put there', () =>
    inDirectory(async (directory) => {
      await push(`oci:${directory}/old:v1`)
      const before = await readdir(`${directory}/old`, { recursive: true })
      const store = openImageStore(`oci:${directory}/old:v2`)
      await store.putBlob(identityOf(Buffer.from('more')), Buffer.from('more'))
      await store.close()
      expect(await readdir(`${directory}/old`, { recursive: true })).toEqual(expect.arrayContaining(before))
      const fresh = openImageStore(`oci:${directory}/new:v1`)
      await fresh.putBlob(identityOf(image.config), image.config)
      await writeFile(`${directory}/new/notes`, 'x')
      await fresh.close()
      expect(await readdir(`${directory}/new`)).toEqual(['notes'])
    }))

  it('does not try for ever where no directory can be made', async () => {
    const store = openImageStore('oci:/proc/nydus-none/a:1')
    expect(await failureOf(store.putBlob(identityOf(image.layer), image.layer))).toMatchObject({
      code: 'ERR_BUILD_IO',
    })
  })

  it('reports a place that cannot be written', () =>
    inDirectory(async (directory) => {
      await writeFile(join(directory, 'file'), 'x')
      const store = openImageStore(`oci:${directory}/file/images`)
      expect(await failureOf(store.putBlob(identityOf(image.layer), image.layer))).toMatchObject({
        code: 'ERR_BUILD_IO',
      })
    }))
})
