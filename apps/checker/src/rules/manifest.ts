// SPDX-License-Identifier: Apache-2.0
/** The manifest rule: layers, annotations and diff ids fit each other, and both images would run the same. */
import type { Digest } from '@nydus/base/digest'
import { ANNOTATION_NYDUS_BLOB, MEDIA_TYPE_NYDUS_BLOB } from '@nydus/rafs-format'
import type { FindingSink } from '../finding.ts'
import { type ImageDocuments, isNydusManifest } from '../image-documents.ts'
import { RUN_CONFIG_MEMBERS } from '../run-config.ts'

/** What the rule looks at. */
export interface ManifestRuleInput {
  readonly source: ImageDocuments | undefined
  readonly target: ImageDocuments
  /** Digest of the target's unpacked bootstrap layer; undefined when it could not be read. */
  readonly bootstrapDiffId: Digest | undefined
}

/** Reports what is wrong with the manifests and configs. */
export function checkManifests(
  { source, target, bootstrapDiffId }: ManifestRuleInput,
  report: FindingSink,
): void {
  const fault = (message: string) => report({ rule: 'manifest', message })
  if (source !== undefined) checkCounts('source', source, fault)
  checkCounts('target', target, fault)
  checkBlobLayers(target, fault)
  const last = target.config.rootfs?.diff_ids?.at(-1)
  if (bootstrapDiffId !== undefined && last !== bootstrapDiffId) {
    fault(`the bootstrap layer's tar has digest ${bootstrapDiffId}, the config says ${last ?? 'nothing'}`)
  }
  if (source === undefined) return
  const blobCount = target.manifest.layers.length - 1
  const layerCount = source.manifest.layers.length
  if (blobCount > 0 && blobCount < layerCount)
    fault(`target has ${blobCount} blobs for ${layerCount} source layers`)
  checkRunConfigs(source, target, fault)
}

function checkCounts(
  side: string,
  { manifest, config }: ImageDocuments,
  fault: (message: string) => void,
): void {
  const layerCount = manifest.layers.length
  const diffIdCount = config.rootfs?.diff_ids?.length ?? 0
  if (layerCount !== diffIdCount) fault(`${side} has ${layerCount} layers and ${diffIdCount} diff ids`)
}

function checkBlobLayers({ manifest }: ImageDocuments, fault: (message: string) => void): void {
  if (!isNydusManifest(manifest)) fault('the last layer is no bootstrap layer')
  for (const layer of manifest.layers.slice(0, -1)) {
    if (layer.mediaType !== MEDIA_TYPE_NYDUS_BLOB)
      fault(`layer ${layer.digest} has media type ${layer.mediaType}`)
    if (layer.annotations?.[ANNOTATION_NYDUS_BLOB] !== 'true') {
      fault(`layer ${layer.digest} has no annotation ${ANNOTATION_NYDUS_BLOB}`)
    }
  }
}

/** `config.config` is what a container is started with. `ArgsEscaped` is for Windows and ignored, as in the original. */
function checkRunConfigs(
  source: ImageDocuments,
  target: ImageDocuments,
  fault: (message: string) => void,
): void {
  const expected = members(source.config.config)
  const found = members(target.config.config)
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const left = canonical(expected.get(name))
    const right = canonical(found.get(name))
    if (left !== right) fault(`config ${name} is ${right ?? 'not set'}, expected ${left ?? 'not set'}`)
  }
}

const KNOWN_MEMBERS = new Set<string>(RUN_CONFIG_MEMBERS)

function members(value: unknown): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null) return new Map()
  return new Map(Object.entries(value).filter(([name]) => KNOWN_MEMBERS.has(name)))
}

/** JSON with sorted keys; nothing for what Go leaves out of JSON. */
function canonical(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (Array.isArray(value)) return value.length === 0 ? undefined : JSON.stringify(value)
  if (typeof value !== 'object') return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.length === 0 ? undefined : JSON.stringify(Object.fromEntries(entries))
}
