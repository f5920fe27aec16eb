// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkImage, readBootstrapLayer } from '@nydus/checker'
import { isIndex, openImageStore } from '@nydus/registry-client'
import { startRegistry } from '@nydus/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openNydusImage } from '../../src/inspect/remote-image.ts'
import { ANNOTATION_PREFETCH_BLOB, optimizeRemoteImage } from '../../src/optimize/optimize-remote.ts'
import { call } from '../call.ts'
import { pushGolden } from '../golden-image.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const PLATFORM = 'linux/amd64'

async function manifestOf(place: string) {
  const store = openImageStore(place, { plainHttp: true })
  onTestFinished(() => store.close())
  const { document } = await store.manifest(await store.resolve())
  if (isIndex(document)) throw new Error('an index')
  return { store, document }
}

async function somePaths(image: string): Promise<readonly string[]> {
  const listing = await call(['inspect', 'ls', image, '-R', '--json', '--plain-http', '--platform', PLATFORM])
  return listing.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string; type: string; size: number })
    .filter(({ type, size }) => type === 'file' && size > 0)
    .slice(0, 3)
    .map(({ path }) => path)
}

describe('optimizeRemoteImage', () => {
  it.each(['image-default', 'image-v5', 'image-batch'])(
    'adds a blob with the files of the list to %s; the file system stays the same',
    async (id) => {
      const registry = await startRegistry()
      onTestFinished(() => registry.close())
      const [source, target] = [`${registry.host}/app:1`, `${registry.host}/fast:1`]
      await pushGolden(id, source)
      await pushGolden('image-source-mini-oci', `${registry.host}/app:oci`)
      const paths = await somePaths(source)
      const directory = temporaryDirectory()
      const result = await optimizeRemoteImage({
        source,
        target,
        plainHttp: true,
        platform: PLATFORM,
        prefetchFiles: [...paths, '/no/such/file'].join('\n'),
        workDir: join(directory, 'work'),
      })
      expect(result).toMatchObject({ fileCount: 4, missing: ['/no/such/file'] })
      expect(existsSync(join(directory, 'work'))).toBe(false)
      const { store, document } = await manifestOf(target)
      const [prefetchBlob, bootstrapLayer] = document.layers.slice(-2)
      expect(prefetchBlob?.digest).toBe(result.prefetchBlob.digest)
      expect(bootstrapLayer?.annotations?.[ANNOTATION_PREFETCH_BLOB]).toBe(
        result.prefetchBlob.digest.replace('sha256:', ''),
      )
      if (bootstrapLayer === undefined) throw new Error('no layer')
      const { blobMetas } = await readBootstrapLayer(store, bootstrapLayer)
      if (id !== 'image-v5') expect(blobMetas.size).toBe(document.layers.length - 1)
      // Old blobs are mounted: they do not travel.
      const old = new Set<string>(document.layers.slice(0, -2).map(({ digest }) => digest))
      const uploads = registry.requests.filter(
        ({ repository, kind, method, url }) =>
          repository === 'fast' &&
          kind === 'upload' &&
          method === 'PUT' &&
          [...old].some((digest) => url.includes(digest)),
      )
      expect(uploads).toEqual([])
      const report = await checkImage({
        source: `${registry.host}/app:oci`,
        target,
        plainHttp: true,
        platform: PLATFORM,
      })
      expect(report).toMatchObject({ passed: true })
      const image = await openNydusImage({ image: target, plainHttp: true, platform: PLATFORM })
      onTestFinished(() => image.close())
      expect(image.bootstrap.blobs.at(-1)?.blobId).toBe(result.prefetchBlob.digest.replace('sha256:', ''))
    },
  )

  it('takes a trace with ranges from the standard input', async () => {
    const directory = temporaryDirectory()
    const [source, target] = [`oci:${join(directory, 'a')}:1`, `oci:${join(directory, 'b')}:1`]
    await pushGolden('image-default', source)
    const [path = ''] = await somePaths(source)
    const input = JSON.stringify({ version: 'v1', files: [{ path, ranges: [[0, 1]] }] })
    const argv = [
      'optimize',
      '--source',
      source,
      '--target',
      target,
      '--prefetch-files',
      '-',
      '--platform',
      PLATFORM,
    ]
    const { status, stdout, stderr } = await call([...argv, '--work-dir', directory, '--json'], { input })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ prefetchBlob: { chunkCount: 1 }, missing: [] })
  })

  it.each([
    ['/no/such/file', /none of the 1 files of the list is in the image/],
    ['{"version":"v9"}', /version "v9" instead of "v1"/],
  ])('refuses the list %j and writes nothing', async (input, message) => {
    const directory = temporaryDirectory()
    const [source, target] = [`oci:${join(directory, 'a')}:1`, `oci:${join(directory, 'b')}:1`]
    await pushGolden('image-default', source)
    const argv = [
      'optimize',
      '--source',
      source,
      '--target',
      target,
      '--prefetch-files',
      '-',
      '--platform',
      PLATFORM,
    ]
    const { status, stderr } = await call([...argv, '--work-dir', directory], { input })
    expect(status).toBe(2)
    expect(stderr).toMatch(message)
    expect(existsSync(join(directory, 'b', 'index.json'))).toBe(false)
  })
})
