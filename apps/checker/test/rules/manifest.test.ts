// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '@nydus/base/digest'
import { ANNOTATION_NYDUS_BLOB, ANNOTATION_NYDUS_BOOTSTRAP, MEDIA_TYPE_NYDUS_BLOB } from '@nydus/rafs-format'
import type { Descriptor } from '@nydus/registry-client'
import { describe, expect, it } from 'vitest'
import type { ImageDocuments } from '../../src/image-documents.ts'
import { checkManifests } from '../../src/rules/manifest.ts'

const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`
const blob: Descriptor = {
  mediaType: MEDIA_TYPE_NYDUS_BLOB,
  digest: digest('1'),
  size: 1,
  annotations: { [ANNOTATION_NYDUS_BLOB]: 'true' },
}
const bootstrap: Descriptor = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest: digest('2'),
  size: 1,
  annotations: { [ANNOTATION_NYDUS_BOOTSTRAP]: 'true' },
}
const layer: Descriptor = { mediaType: bootstrap.mediaType, digest: digest('3'), size: 1 }

function image(
  layers: readonly Descriptor[],
  diffIds: readonly string[],
  config: object = {},
): ImageDocuments {
  return {
    manifest: { schemaVersion: 2, config: layer, layers },
    config: { config, rootfs: { type: 'layers', diff_ids: diffIds } },
  } as unknown as ImageDocuments
}

function check(source: ImageDocuments | undefined, target: ImageDocuments): string[] {
  const messages: string[] = []
  const input = { source, target, bootstrapDiffId: digest('4') }
  checkManifests(input, ({ rule, message }) => messages.push(`${rule}: ${message}`))
  return messages
}

const diffIds = [digest('1'), digest('4')]

describe('the manifest rule', () => {
  it('passes a sound pair', () => {
    expect(check(image([layer], [digest('9')]), image([blob, bootstrap], diffIds))).toEqual([])
  })

  it('finds layers and diff ids that do not fit', () => {
    expect(check(image([layer], []), image([blob, bootstrap], [digest('4')]))).toEqual([
      'manifest: source has 1 layers and 0 diff ids',
      'manifest: target has 2 layers and 1 diff ids',
    ])
  })

  it('finds layers that are no blobs', () => {
    expect(check(undefined, image([layer, bootstrap], diffIds))).toEqual([
      `manifest: layer ${layer.digest} has media type ${layer.mediaType}`,
      `manifest: layer ${layer.digest} has no annotation ${ANNOTATION_NYDUS_BLOB}`,
    ])
  })

  it('finds a diff id that is not that of the bootstrap layer', () => {
    expect(check(undefined, image([blob, bootstrap], [digest('1'), digest('5')]))).toEqual([
      `manifest: the bootstrap layer's tar has digest ${digest('4')}, the config says ${digest('5')}`,
    ])
  })

  it('finds fewer blobs than the source has layers', () => {
    expect(
      check(image([layer, layer], [digest('9'), digest('9')]), image([blob, bootstrap], diffIds)),
    ).toEqual(['manifest: target has 1 blobs for 2 source layers'])
  })

  it('finds containers that would be started differently, and only those', () => {
    const source = {
      Cmd: ['a'],
      Env: ['A=1'],
      Labels: { b: '1', a: '2' },
      User: '',
      ArgsEscaped: true,
      Healthcheck: {},
    }
    const same = { Labels: { a: '2', b: '1' }, Cmd: ['a'], Env: ['A=1'], Entrypoint: null, Volumes: {} }
    expect(check(image([layer], [digest('9')], source), image([blob, bootstrap], diffIds, same))).toEqual([])
    const other = { ...same, Cmd: ['b'], User: 'me' }
    expect(check(image([layer], [digest('9')], source), image([blob, bootstrap], diffIds, other))).toEqual([
      'manifest: config Cmd is ["b"], expected ["a"]',
      'manifest: config User is "me", expected not set',
    ])
  })
})
