// SPDX-License-Identifier: Apache-2.0
/**
 * The config of a converted image: the source's, in the member order of Go's `ocispec.Image`, with other layers.
 * Members that the OCI specification does not know (health checks, build triggers) are kept after the known ones;
 * the original drops them. Spec: https://github.com/opencontainers/image-spec/blob/main/config.md
 */
import { RUN_CONFIG_MEMBERS } from '@nydus/checker'
import { encodeGoJson, isGoEmpty, sortedMap } from './go-json.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** An image config, as parsed from JSON. */
export interface ConfigDocument extends JsonObject {
  readonly rootfs?: { readonly type?: string; readonly diff_ids?: readonly string[] }
  readonly history?: readonly JsonObject[]
}

const IMAGE_MEMBERS = ['created', 'author', 'architecture', 'os', 'os.version', 'os.features', 'variant']
const ALWAYS_WRITTEN = new Set(['architecture', 'os'])
const CONTAINER_MEMBERS = [...RUN_CONFIG_MEMBERS, 'ArgsEscaped']
const SORTED_MEMBERS = new Set(['ExposedPorts', 'Volumes', 'Labels'])
const HISTORY_MEMBERS = ['created', 'created_by', 'author', 'comment', 'empty_layer']
const BOOTSTRAP_HISTORY = { created_by: 'Nydus Converter', comment: 'Nydus Bootstrap Layer' } as const

const EMPTY_LAYER_HISTORY = { created_by: 'Nydus Converter', comment: 'Nydus Empty Layer' } as const

/**
 * The config of the converted image as JSON bytes.
 * @param diffIds diff ids of the new layers, the bootstrap's last. A single one means that no blobs are listed.
 */
export function rewriteConfig(source: ConfigDocument, diffIds: readonly string[]): Uint8Array {
  const old = diffIds.length === 1 ? [] : (source.history ?? [])
  return encodeGoJson(configWith(source, diffIds, [...old.map(orderHistory), BOOTSTRAP_HISTORY]), 'compact')
}

/** The config of a source image with an empty layer below its own, as JSON bytes. */
export function padConfig(source: ConfigDocument, emptyLayerDiffId: string): Uint8Array {
  const diffIds = [emptyLayerDiffId, ...(source.rootfs?.diff_ids ?? [])]
  const history = [EMPTY_LAYER_HISTORY, ...(source.history ?? []).map(orderHistory)]
  return encodeGoJson(configWith(source, diffIds, history), 'indented')
}

/** The config of an image that was converted back: without what the conversion added. */
export function plainConfig(source: ConfigDocument, diffIds: readonly string[]): Uint8Array {
  const isAdded = ({ created_by: by, comment }: JsonObject) =>
    by === BOOTSTRAP_HISTORY.created_by && comment === BOOTSTRAP_HISTORY.comment
  const history = (source.history ?? []).filter((entry) => !isAdded(entry)).map(orderHistory)
  return encodeGoJson(configWith(source, diffIds, history), 'compact')
}

function configWith(
  source: ConfigDocument,
  diffIds: readonly string[],
  history: readonly JsonObject[],
): JsonObject {
  const config: Record<string, unknown> = {}
  for (const name of IMAGE_MEMBERS) {
    const value = name === 'created' ? goTime(source[name]) : source[name]
    if (ALWAYS_WRITTEN.has(name)) config[name] = value ?? ''
    else if (!isGoEmpty(value)) config[name] = value
  }
  config.config = orderContainerConfig(source.config)
  config.rootfs = { type: source.rootfs?.type ?? 'layers', diff_ids: diffIds }
  config.history = history
  return withUnknownMembers(config, source)
}

function orderContainerConfig(value: unknown): Record<string, unknown> {
  const source = isObject(value) ? value : {}
  const ordered: Record<string, unknown> = {}
  for (const name of CONTAINER_MEMBERS) {
    const member = source[name]
    if (isGoEmpty(member)) continue
    ordered[name] = SORTED_MEMBERS.has(name) && isObject(member) ? sortedMap(member) : member
  }
  return withUnknownMembers(ordered, source, new Set(CONTAINER_MEMBERS))
}

function orderHistory(entry: JsonObject): Record<string, unknown> {
  const ordered: Record<string, unknown> = {}
  for (const name of HISTORY_MEMBERS) {
    const value = name === 'created' ? goTime(entry[name]) : entry[name]
    if (!isGoEmpty(value)) ordered[name] = value
  }
  return withUnknownMembers(ordered, entry, new Set(HISTORY_MEMBERS))
}

function withUnknownMembers(
  ordered: Record<string, unknown>,
  source: JsonObject,
  known: ReadonlySet<string> = new Set([...IMAGE_MEMBERS, 'config', 'rootfs', 'history']),
): Record<string, unknown> {
  for (const name of Object.keys(source)) {
    const value = source[name]
    if (!known.has(name) && value !== null && value !== undefined) ordered[name] = value
  }
  return ordered
}

/** RFC 3339 as Go's time.Time writes it back: no trailing zeros in the fraction, `Z` for UTC. */
function goTime(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(value)
  if (!parts) return value
  const fraction = (parts[2] ?? '').slice(0, 9).replace(/0+$/, '')
  const zone = parts[3] === '+00:00' ? 'Z' : parts[3]
  return `${parts[1]}${fraction === '' ? '' : `.${fraction}`}${zone}`
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
