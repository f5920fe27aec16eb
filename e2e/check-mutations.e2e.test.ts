// SPDX-License-Identifier: Apache-2.0
/** Whatever differs between an image and its source makes the checker exit with 1 and name it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRegistry, type TestRegistry } from '@nydus/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { debianImage, IMAGE_PROGRAMS } from './src/debian-image.ts'
import { changeMode, dropLayer, manifestOf, putChanged, type StoredImage } from './src/mutate-image.ts'
import { must, reasonToSkip, run } from './src/run.ts'
import { putSmallImage } from './src/small-image.ts'

interface Subject {
  readonly name: string
  /** A file of the image whose mode is changed. */
  readonly file: readonly string[]
  /** The layer that is left out of the source, and what is missing then. */
  readonly dropped: { readonly layer: number; readonly path: string }
  readonly skip: string | undefined
  put(registry: TestRegistry): Promise<void> | void
}

const SUBJECTS: readonly Subject[] = [
  {
    name: 'a small image',
    file: ['etc', 'motd'],
    dropped: { layer: 1, path: 'data' },
    skip: undefined,
    put: (registry) => void putSmallImage(registry, 'image', 'source'),
  },
  {
    name: 'the Debian image',
    file: ['usr', 'bin', 'env'],
    dropped: { layer: 1, path: 'opt/app' },
    skip: reasonToSkip([...IMAGE_PROGRAMS, 'skopeo']),
    async put(registry) {
      const { directory, tag } = await debianImage()
      const to = `docker://${registry.host}/image:source`
      await must([
        'skopeo',
        'copy',
        '--insecure-policy',
        '--dest-tls-verify=false',
        `oci:${directory}:${tag}`,
        to,
      ])
    },
  },
]

for (const subject of SUBJECTS) {
  describe.skipIf(subject.skip !== undefined)(`check of ${subject.name}`, () => {
    let registry: TestRegistry
    let image: StoredImage
    let work: string

    const reference = (tag: string) => `${registry.host}/image:${tag}`
    const check = (target: string, source = 'source') =>
      run(['nydus', 'check', '--source', reference(source), '--target', reference(target), '--plain-http'])

    beforeAll(async () => {
      registry = await startRegistry()
      work = mkdtempSync(join(tmpdir(), 'nydus-mutations-'))
      await subject.put(registry)
      image = { registry, repository: 'image', tag: 'nydus' }
      const command = ['nydus', 'convert', '--source', reference('source'), '--target', reference('nydus')]
      await must([...command, '--plain-http', '--work-dir', join(work, 'tmp')])
    })
    afterAll(async () => {
      await registry?.close()
      rmSync(work, { recursive: true, force: true })
    })

    it('finds nothing where nothing was changed', async () => {
      expect(await check('nydus')).toMatchObject({ status: 0 })
    })

    it('names the path of one changed mode', async () => {
      changeMode(image, 'mode', subject.file, 0o002)
      const { status, stdout } = await check('mode')
      expect(status).toBe(1)
      expect(stdout).toContain(`/${subject.file.join('/')}`)
    })

    it('names the blob of one flipped bit, wherever the registry has it from', async () => {
      const [layer] = manifestOf(image).layers
      if (layer === undefined) throw new Error('no layers')
      // Damaged where it is stored: the bytes no longer have the digest that the manifest names.
      registry.corruptBlob(layer.digest, 1000)
      const damaged = await check('nydus')
      expect(damaged.status).toBe(1)
      expect(damaged.stdout).toContain(layer.digest.slice('sha256:'.length))
      registry.corruptBlob(layer.digest, 1000)
      // Damaged before it was pushed: registry and manifest agree, only the chunks' own digests tell.
      const bytes = Uint8Array.from(registry.blob(layer.digest))
      bytes[1000] = (bytes[1000] ?? 0) ^ 1
      putChanged(image, 'flipped', (parts) => {
        parts.layers[0] = { ...layer, ...registry.putBlob('image', bytes) }
      })
      const flipped = await check('flipped')
      expect(flipped.status).toBe(1)
      expect(flipped.stdout).toMatch(/blob|\//)
    })

    it('names the rule when the target lacks a layer, and the paths when the source did', async () => {
      dropLayer(image, 'dropped', 0)
      const manifest = await check('dropped')
      expect(manifest.status).toBe(1)
      expect(manifest.stdout).toMatch(/manifest|bootstrap/)
      const { layer, path } = subject.dropped
      dropLayer({ registry, repository: 'image', tag: 'source' }, 'less', layer)
      const files = await check('nydus', 'less')
      expect(files.status).toBe(1)
      expect(files.stdout).toContain(`/${path}`)
    })
  })
}
