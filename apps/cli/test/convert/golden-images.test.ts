// SPDX-License-Identifier: Apache-2.0
/** Every recorded command line of the original's `convert`, run by ours: the same manifests, configs and indexes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { type GoldenFixture, type GoldenImage, startRegistry, type TestRegistry } from '@nydus/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/index.ts'
import { goldenImage, goldens, pushGolden } from '../golden-image.ts'
import { type Difference, differences } from './document-differences.ts'
import { type DifferencePlace, IMAGE_EXCEPTIONS, OUTCOME_EXCEPTIONS } from './golden-image-exceptions.ts'

const RECORDED_HOST = 'localhost:5077'
const SOURCES = [
  'image-source-mini-oci',
  'image-source-mini-docker',
  'image-source-mini-multi',
  'image-source-bb-oci',
]
const FIXTURES = goldens.ofKind('image').filter(({ command }) => command !== undefined)

describe('the recorded command lines of convert', () => {
  let registry: TestRegistry
  const directory = mkdtempSync(join(tmpdir(), 'nydus-test-'))
  const seen = new Set<string>()

  beforeAll(async () => {
    registry = await startRegistry()
    for (const id of SOURCES) {
      const [, name = '', tag = ''] = /^image-source-(\w+)-(\w+)$/.exec(id) ?? []
      await pushGolden(id, `${registry.host}/fx/${name}:${tag}`)
    }
    mkdirSync(join(directory, 'out'))
    writeFileSync(join(directory, 'dict.boot'), dictionaryOf('image-default'))
  })
  afterAll(async () => {
    await registry.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it.each(FIXTURES)('$id', async (fixture) => {
    const { id } = fixture
    const result = await replay(fixture)
    const outcome = OUTCOME_EXCEPTIONS[id]
    expect(result.status, result.output).toBe(outcome?.status ?? fixture.exit)
    if (result.status !== 0) return
    const tag = `nydus-${id.slice('image-'.length)}`
    const target = id === 'image-suffix' ? 'oci-suffixed' : tag
    const expected = fixture.image ?? goldenImage(outcome?.image ?? '')
    compare(id, expected, 'fx/mini', target)
    const { cache_image: cache } = fixture as { cache_image?: GoldenImage }
    if (cache === undefined) return
    const isTag = fixture.command.includes('--build-cache-tag')
    compare(`${id}/cache`, cache, isTag ? 'fx/mini' : 'fx/cache', isTag ? 'cache-same-repo' : 'v1')
  })

  it('a second run with a build cache uploads nothing', async () => {
    const before = registry.requests.length
    expect((await replay(goldens.fixture('image-build-cache-tag-again'))).status).toBe(0)
    const methods = new Set(registry.requests.slice(before).map(({ method }) => method))
    expect([...methods].sort()).toEqual(['GET', 'HEAD'])
  })

  it('lists no exception that is not needed', () => {
    expect(IMAGE_EXCEPTIONS.filter(({ reason }) => !seen.has(reason))).toEqual([])
  })

  async function replay(fixture: GoldenFixture) {
    let output = ''
    const stream = { write: (text: string) => (output += text) }
    const argv = fixture.command.slice(1).map((argument) =>
      argument
        .replace(RECORDED_HOST, registry.host)
        .replace(/^(nwork|out\/)/, `${directory}/$1`)
        .replace(/dict\.boot$/, `${directory}/dict.boot`),
    )
    // The recorded tools ran on amd64, whose platform is the default.
    const needsPlatform = !/--(all-platforms|platform)\b/.test(argv.join(' '))
    const status = await run([...argv, ...(needsPlatform ? ['--platform', 'linux/amd64'] : [])], {
      calledAs: 'nydusify',
      stdin: Readable.from(fixture.stdin === undefined ? [] : [Buffer.from(fixture.stdin)]),
      stdout: stream,
      stderr: stream,
      env: {},
      signal: new AbortController().signal,
    })
    return { status, output }
  }

  /** Every difference must be a listed one. */
  function compare(id: string, golden: GoldenImage, repository: string, reference: string): void {
    const found = registry.manifest(repository, reference)
    if (found === undefined) throw new Error(`no ${repository}:${reference}`)
    const text = JSON.stringify(found.document).replaceAll(registry.host, RECORDED_HOST)
    const document = JSON.parse(text) as Documents
    const recorded = read(golden.manifest) as Documents
    const lastLayer = (document.layers?.length ?? 0) - 1
    report({ id, lastLayer }, [
      ...differences('mediaType', found.mediaType, golden.media_type),
      ...differences('manifest', document, recorded),
    ])
    for (const [i, manifest] of (golden.manifests ?? []).entries())
      compare(id, manifest, repository, document.manifests?.[i]?.digest ?? '')
    if (golden.config === undefined || document.config === undefined) return
    const config = JSON.parse(registry.blob(document.config.digest).toString()) as unknown
    report({ id, lastLayer }, differences('config', config, read(golden.config)))
    compareBootstraps(id, document, golden)
  }

  function report(place: DifferencePlace, found: readonly Difference[]): void {
    const unlisted = found.filter((difference) => {
      const exception = IMAGE_EXCEPTIONS.find((each) => each.accepts(difference, place))
      if (exception !== undefined) seen.add(exception.reason)
      return exception === undefined
    })
    expect(unlisted, place.id).toEqual([])
  }

  /** Where the config is the original's, so is the tar of the bootstrap layer, bit for bit. */
  function compareBootstraps(id: string, document: Documents, golden: GoldenImage): void {
    const ours = document.layers ?? []
    const theirs = golden.layers ?? []
    if (document.config?.digest !== `sha256:${golden.config?.sha256}`) return
    const [own, recorded] = [ours.at(-1), theirs.at(-1)]
    if (own?.annotations?.['containerd.io/snapshot/nydus-bootstrap'] === undefined || recorded === undefined)
      return
    expect(gunzipSync(registry.blob(own.digest)).equals(gunzipSync(goldens.read(recorded))), id).toBe(true)
  }
})

interface Documents {
  readonly config?: { readonly digest: string }
  readonly layers?: readonly {
    readonly digest: string
    readonly annotations?: Readonly<Record<string, string>>
  }[]
  readonly manifests?: readonly { readonly digest: string }[]
}

function read(stored: Parameters<typeof goldens.read>[0]): unknown {
  return JSON.parse(Buffer.from(goldens.read(stored)).toString())
}

/** The bootstrap of a golden image: the second member of its last layer's tar. */
function dictionaryOf(id: string): Uint8Array {
  const layer = goldenImage(id).layers?.at(-1)
  if (layer === undefined) throw new Error(`${id} has no layers`)
  const tar = gunzipSync(goldens.read(layer))
  const size = Number.parseInt(tar.toString('latin1', 512 + 124, 512 + 135), 8)
  return tar.subarray(1024, 1024 + size)
}
