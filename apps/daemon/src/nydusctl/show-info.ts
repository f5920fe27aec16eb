// SPDX-License-Identifier: Apache-2.0
/** A daemon and its mounts, laid out as the original's tool does. */
import * as z from 'zod'
import type { Document } from './api-client.ts'

const instance = z.object({
  backend_type: z.string(),
  mounted_time: z.string(),
  config: z
    .object({
      cache: z.object({ prefetch: z.object({ enable: z.boolean(), batch_size: z.number() }) }),
      rafs: z.object({ mode: z.string() }),
    })
    .nullable(),
})
const daemonInfo = z.object({
  version: z.object({ package_ver: z.string(), git_commit: z.string(), profile: z.string() }),
  state: z.string(),
  backend_collection: z.record(z.string(), instance).nullable(),
})

/** `info`. @throws {ZodError} when the answer is not that of a daemon. */
export function showInfo(document: Document): string {
  const { version, state, backend_collection: mounts } = daemonInfo.parse(document)
  const instances = Object.entries(mounts ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return `
Version:                ${JSON.stringify(version.package_ver)}
Status:                 ${JSON.stringify(state)}
Profile:                ${JSON.stringify(version.profile)}
Commit:                 ${JSON.stringify(version.git_commit)}
${instances.length === 0 ? '' : 'Instances:\n'}${instances.map(([path, one]) => showInstance(path, one)).join('')}`
}

function showInstance(
  path: string,
  { backend_type, mounted_time, config }: z.output<typeof instance>,
): string {
  const lines = [`Instance Mountpoint:  ${path}`, `Type:  ${backend_type}`, `Mounted Time:  ${mounted_time}`]
  if (config !== null) {
    const { enable, batch_size: batchSize } = config.cache.prefetch
    lines.push(`Mode:  ${config.rafs.mode}`, `Prefetch:  ${enable}`, `Prefetch Merging Size:  ${batchSize}`)
  }
  return `${lines.map((line) => `\t${line}\n`).join('')}${config === null ? '' : '\n'}`
}

/** `--raw`: one line, members sorted by name. */
export function showRaw(document: unknown): string {
  return `${JSON.stringify(sorted(document))}\n`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]))
}
