// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openImageStore } from '../src/index.ts'
import { identityOf, smallImage } from './support/content.ts'
import { startMemoryRegistry } from './support/memory-registry.ts'

it('has an example that works', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const registry = await startMemoryRegistry()
  // Inside the package, so that its own name resolves.
  const directory = await mkdtemp(join(import.meta.dirname, '.readme-'))
  try {
    const image = smallImage()
    for (const bytes of [image.layer, image.config]) registry.blobs.set(identityOf(bytes).digest, bytes)
    for (const name of ['3.20', identityOf(image.manifest).digest]) {
      registry.manifests.set(`alpine:${name}`, { bytes: image.manifest, mediaType: image.mediaType })
    }
    const layout = join(directory, 'images')
    const code = example.replace('localhost:5000', registry.host).replace('oci:images', `oci:${layout}`)
    await writeFile(join(directory, 'example.ts'), code)
    await import(/* @vite-ignore */ join(directory, 'example.ts'))
    const copy = openImageStore(`oci:${layout}:alpine`)
    expect((await copy.resolve()).digest).toBe(identityOf(image.manifest).digest)
    expect(await copy.hasBlob(identityOf(image.layer))).toBe(true)
  } finally {
    await rm(directory, { recursive: true, force: true })
    await registry.close()
  }
})
