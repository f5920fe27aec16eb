// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { type ConfigDocument, rewriteConfig } from '../../src/convert/image-config.ts'
import { goldenImage, goldens } from '../golden-image.ts'

const rewrite = (config: ConfigDocument, diffIds: readonly string[] = ['sha256:1']) =>
  Buffer.from(rewriteConfig(config, diffIds)).toString()

describe('rewriteConfig', () => {
  it('gives the bytes of the original for the config of a fixture', () => {
    const { config: source } = goldenImage('image-source-mini-oci')
    const { config: golden } = goldenImage('image-default')
    if (source === undefined || golden === undefined) throw new Error('no config')
    const expected = Buffer.from(goldens.read(golden)).toString()
    const { rootfs } = JSON.parse(expected) as { rootfs: { diff_ids: string[] } }
    const document = JSON.parse(Buffer.from(goldens.read(source)).toString()) as ConfigDocument
    expect(rewrite(document, rootfs.diff_ids)).toBe(expected)
  })

  it('writes members in the order of the OCI types, maps sorted, empty ones left out', () => {
    const config = {
      os: 'linux',
      config: {
        Labels: { b: '2', a: '1' },
        Cmd: null,
        User: '',
        Env: ['A=1'],
        ExposedPorts: { '80/tcp': {} },
      },
      architecture: 'arm64',
      variant: 'v8',
      created: '2024-01-01T00:00:00.120Z',
      author: '',
    } as unknown as ConfigDocument
    expect(rewrite(config)).toBe(
      '{"created":"2024-01-01T00:00:00.12Z","architecture":"arm64","os":"linux","variant":"v8",' +
        '"config":{"ExposedPorts":{"80/tcp":{}},"Env":["A=1"],"Labels":{"a":"1","b":"2"}},' +
        '"rootfs":{"type":"layers","diff_ids":["sha256:1"]},' +
        '"history":[{"created_by":"Nydus Converter","comment":"Nydus Bootstrap Layer"}]}',
    )
  })

  it('keeps members that the specification does not know, which containers need', () => {
    const config = {
      architecture: 'amd64',
      os: 'linux',
      config: { Healthcheck: { Test: ['CMD', 'x'] }, OnBuild: ['RUN y'], Cmd: ['/bin/sh'] },
      docker_version: '20.10',
    } as unknown as ConfigDocument
    const written = JSON.parse(rewrite(config)) as Record<string, unknown>
    expect(written.config).toEqual({
      Cmd: ['/bin/sh'],
      Healthcheck: { Test: ['CMD', 'x'] },
      OnBuild: ['RUN y'],
    })
    expect(written.docker_version).toBe('20.10')
  })

  it.each([
    ['2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00Z'],
    ['2024-01-01T00:00:00+00:00', '2024-01-01T00:00:00Z'],
    ['2024-01-01T00:00:00.5+02:00', '2024-01-01T00:00:00.5+02:00'],
    ['2021-11-05T07:39:26.692325137Z', '2021-11-05T07:39:26.692325137Z'],
  ])('writes the time %s as %s', (given, expected) => {
    expect(JSON.parse(rewrite({ created: given })).created).toBe(expected)
  })
})
