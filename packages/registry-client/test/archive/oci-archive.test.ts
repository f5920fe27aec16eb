// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type ImageStore, openImageStore } from '../../src/index.ts'
import { collect, failureOf, identityOf, inDirectory, patternBytes, smallImage } from '../support/content.ts'

const image = smallImage()

async function putAll(store: ImageStore, which = image): Promise<void> {
  for (const bytes of [which.layer, which.config]) await store.putBlob(identityOf(bytes), bytes)
  await store.putManifest(which.manifest, which.mediaType, { tag: 'from-reference' })
}

async function write(text: string, which = image): Promise<void> {
  const store = openImageStore(text)
  await putAll(store, which)
  await store.close()
}

describe('an OCI archive', () => {
  it('gives back what was put, before and after it is closed', () =>
    inDirectory(async (directory) => {
      const writer = openImageStore(`oci-archive:${directory}/a.tar:v1`)
      await putAll(writer)
      expect((await writer.manifest(await writer.resolve())).document).toEqual(image.document)
      expect(await readdir(directory)).not.toContain('a.tar')
      await writer.close()
      await writer.close()
      const store = openImageStore(`oci-archive:${directory}/a.tar`)
      expect((await store.manifest(await store.resolve())).document).toEqual(image.document)
      const layer = identityOf(image.layer)
      expect(Buffer.compare(await collect(store.openBlob(layer)), image.layer)).toBe(0)
      const parts = await Promise.all(
        [0, 5_000].map((offset) => store.readBlobRange(layer.digest, { offset, length: 5_000 })),
      )
      expect(Buffer.compare(Buffer.concat(parts), image.layer)).toBe(0)
      expect(store.kind).toBe('oci-archive')
      await store.close()
      expect(await readdir(directory)).toEqual(['a.tar'])
    }))

  it('is a tar that others can unpack, equal each time', () =>
    inDirectory(async (directory) => {
      await write(`oci-archive:${directory}/a.tar:v1`)
      await write(`oci-archive:${directory}/b.tar:v1`)
      expect(
        Buffer.compare(await readFile(join(directory, 'a.tar')), await readFile(join(directory, 'b.tar'))),
      ).toBe(0)
      await promisify(execFile)('tar', ['-C', directory, '-xf', join(directory, 'a.tar')])
      const unpacked = openImageStore(`oci:${directory}:v1`)
      expect((await unpacked.manifest(await unpacked.resolve())).document).toEqual(image.document)
    }))

  it('leaves the old archive, and nothing else, when no image was completed', () =>
    inDirectory(async (directory) => {
      await write(`oci-archive:${directory}/a.tar:v1`)
      const before = await readFile(join(directory, 'a.tar'))
      const store = openImageStore(`oci-archive:${directory}/a.tar:v1`)
      await store.putBlob(identityOf(image.config), image.config)
      await store.close()
      expect(Buffer.compare(await readFile(join(directory, 'a.tar')), before)).toBe(0)
      expect(await readdir(directory)).toEqual(['a.tar'])
    }))

  it('is replaced by a new one; blobs that a caller saw in the old one move along', () =>
    inDirectory(async (directory) => {
      await write(`oci-archive:${directory}/a.tar:v1`)
      const store = openImageStore(`oci-archive:${directory}/a.tar:v2`)
      expect(await store.hasBlob(identityOf(image.layer))).toBe(true)
      await store.putManifest(image.manifest, image.mediaType, { tag: 'from-reference' })
      await store.close()
      const renewed = openImageStore(`oci-archive:${directory}/a.tar`)
      expect((await renewed.resolve()).annotations).toEqual({ 'org.opencontainers.image.ref.name': 'v2' })
      expect(await collect(renewed.openBlob(identityOf(image.layer)))).toHaveLength(image.layer.length)
      await renewed.close()
    }))

  it('forgets a blob whose content was wrong or broke', () =>
    inDirectory(async (directory) => {
      const store = openImageStore(`oci-archive:${directory}/a.tar:v1`)
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield patternBytes(100_000)
        throw new Error('source broke')
      }
      const large = { digest: identityOf(image.layer).digest, size: 200_000 }
      await expect(store.putBlob(large, broken)).rejects.toThrow('source broke')
      const wrong = { ...identityOf(image.config), size: image.config.length - 1 }
      expect(await failureOf(store.putBlob(wrong, image.config))).toMatchObject({ code: 'ERR_SIZE_MISMATCH' })
      await putAll(store)
      await store.close()
      await write(`oci-archive:${directory}/b.tar:v1`)
      expect(
        Buffer.compare(await readFile(join(directory, 'a.tar')), await readFile(join(directory, 'b.tar'))),
      ).toBe(0)
    }))

  it('takes concurrent blobs one after another', () =>
    inDirectory(async (directory) => {
      const store = openImageStore(`oci-archive:${directory}/a.tar:v1`)
      const images = [1, 2, 3, 4].map((seed) => smallImage(seed))
      await Promise.all(
        images
          .flatMap(({ layer, config }) => [layer, config])
          .map((bytes) => store.putBlob(identityOf(bytes), bytes)),
      )
      await Promise.all(
        images.map(({ manifest, mediaType }, n) => store.putManifest(manifest, mediaType, { tag: `t${n}` })),
      )
      await store.close()
      for (const [number, { layer }] of images.entries()) {
        const one = openImageStore(`oci-archive:${directory}/a.tar:t${number}`)
        await one.manifest(await one.resolve())
        expect(Buffer.compare(await collect(one.openBlob(identityOf(layer))), layer)).toBe(0)
        await one.close()
      }
    }))

  it('refuses a manifest whose content is not there', () =>
    inDirectory(async (directory) => {
      const store = openImageStore(`oci-archive:${directory}/a.tar:v1`)
      expect(await failureOf(store.putManifest(image.manifest, image.mediaType))).toMatchObject({
        code: 'ERR_REGISTRY_UPLOAD_REJECTED',
      })
      await store.close()
      expect(await readdir(directory)).toEqual([])
    }))

  it('reports what is not there, and what is no archive', () =>
    inDirectory(async (directory) => {
      expect(await failureOf(openImageStore(`oci-archive:${directory}/none.tar`).resolve())).toMatchObject({
        code: 'ERR_REGISTRY_NOT_FOUND',
      })
      await writeFile(join(directory, 'text.tar'), 'x'.repeat(2000))
      expect(await failureOf(openImageStore(`oci-archive:${directory}/text.tar`).resolve())).toMatchObject({
        code: 'ERR_FORMAT_CORRUPT',
      })
      const nowhere = openImageStore(`oci-archive:${directory}/no/such/a.tar`)
      expect(await failureOf(nowhere.putBlob(identityOf(image.config), image.config))).toMatchObject({
        code: 'ERR_BUILD_IO',
      })
    }))
})
