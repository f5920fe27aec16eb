// SPDX-License-Identifier: Apache-2.0
/** The first walkthrough of nydusify, of 2021: the same command leaves the same files, with the same members. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildTar, putImage, startRegistry, type TestRegistry } from '@nydus/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { must } from './src/run.ts'

const CONSUMED_TIMES = [
  'apply layers',
  'build rafs',
  'dump bootstrap and blob',
  'load nodes from local directory',
  'load nodes from parent',
  'total build time',
  'validate bootstrap out of band',
  'write all nodes to blob including hashing',
  'write all nodes to bootstrap',
]
const EVENTS = [
  'blob compressed size',
  'egid',
  'euid',
  'loading files from directory',
  'loading files from parent',
]

describe('nydusify convert --source IMAGE --target IMAGE -log-level debug', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nydus-e2e-'))
  const tmp = join(directory, 'tmp')
  let registry: TestRegistry
  let layers: readonly string[]

  beforeAll(async () => {
    registry = await startRegistry()
    const tars = [buildTar([{ path: 'a', content: 'lower' }]), buildTar([{ path: 'b', content: 'upper' }])]
    layers = putImage(registry, 'liubin/nydus', 'two-layers', tars).layers.map(({ digest }) => digest)
    const image = `${registry.host}/liubin/nydus:two-layers`
    const command = ['nydusify', 'convert', '--source', image, '--target', `${image}-nydus`]
    // Beyond the walkthrough: the registry speaks http.
    await must([...command, '-log-level', 'debug', '--plain-http'], { cwd: directory })
  })
  afterAll(async () => {
    await registry?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it('leaves the tree of the work directory', () => {
    const files = readdirSync(tmp, { recursive: true }).map(String).sort()
    const bootstraps = layers.flatMap((digest, i) => [`${i + 1}-${digest}`, `${i + 1}-${digest}-output.json`])
    expect(files).toEqual(
      [
        'blobs',
        'bootstraps',
        ...bootstraps.map((name) => `bootstraps/${name}`),
        'conversion_metrics.prom',
        'source',
      ].sort(),
    )
  })

  it('each output.json has its members', () => {
    for (const [i, digest] of layers.entries()) {
      const output = JSON.parse(
        readFileSync(join(tmp, 'bootstraps', `${i + 1}-${digest}-output.json`), 'utf8'),
      ) as {
        blobs: string[]
        trace: { consumed_time: Record<string, number>; registered_events: Record<string, unknown> }
      }
      expect(output.blobs).toHaveLength(i + 1)
      expect(Object.keys(output.trace.consumed_time)).toEqual(CONSUMED_TIMES)
      expect(Object.keys(output.trace.registered_events)).toEqual(EVENTS)
    }
  })

  it('the manifest has the layers and annotations', () => {
    const manifest = registry.manifest('liubin/nydus', 'two-layers-nydus')?.document as {
      layers: { annotations: Record<string, string> }[]
      annotations: Record<string, string>
    }
    expect(manifest.layers).toHaveLength(3)
    const ids = JSON.parse(manifest.layers[2]?.annotations['containerd.io/snapshot/nydus-blob-ids'] ?? '')
    expect(ids).toHaveLength(2)
    for (const name of ['nydusify-version', 'source-digest', 'source-reference'])
      expect(manifest.annotations[`nydus.trace.${name}`]).toBeDefined()
  })

  it('the metrics are in the text format of Prometheus', () => {
    const metrics = readFileSync(join(tmp, 'conversion_metrics.prom'), 'utf8')
    expect(metrics).toMatch(/^nydusify_convert_convert_duration_key\{layers_count="2",source_reference=/m)
    expect(metrics).toMatch(/^nydusify_convert_convert_count_key\{source_reference=/m)
  })
})
