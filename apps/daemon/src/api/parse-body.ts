// SPDX-License-Identifier: Apache-2.0
/** Bodies of requests, checked. */
import * as z from 'zod'
import { LIVE_KEYS, type LiveValues } from '../live-settings.ts'
import type { MountCommand } from '../mounted.ts'
import { type ApiReply, errorReply } from './api-reply.ts'

/** A checked body, or the reply to one that is wrong. */
export type Parsed<T> = { readonly value: T } | { readonly reply: ApiReply }

// In the order in which the original misses them.
const mountBody = z.object({
  source: z.string(),
  fs_type: z.string(),
  config: z.string(),
  prefetch_files: z.array(z.string()).nullish(),
})
const logLevelBody = z.object({ log_level: z.string() })
const blobBody = z.object({ type: z.string(), id: z.string() })
const configBody = z.record(z.string(), z.string())

/** Body of POST and PUT of a mount. */
export function parseMount(body: string): Parsed<MountCommand> {
  const parsed = parse(body, mountBody)
  if ('reply' in parsed) return parsed
  const { source, fs_type: fsType, config, prefetch_files: prefetchFiles } = parsed.value
  return { value: { source, fsType, config, prefetchFiles: prefetchFiles ?? undefined } }
}

/** Body of PUT of the daemon: the level's name. */
export function parseLogLevel(body: string): Parsed<string> {
  const parsed = parse(body, logLevelBody)
  return 'reply' in parsed ? parsed : { value: parsed.value.log_level }
}

/** Body of PUT of the configuration. Nothing is taken from one that has an unknown key. */
export function parseLiveValues(body: string): Parsed<LiveValues> {
  const parsed = parse(body, configBody)
  if ('reply' in parsed) return parsed
  const isKnown = (key: string): boolean => LIVE_KEYS.some((known) => known === key)
  if (Object.keys(parsed.value).every(isKnown)) return { value: parsed.value }
  return { reply: errorReply(500, 'Configure(ResponsePayloadType)') }
}

/** The reply to a wrong body of PUT of a blob; nothing of a right one is used. */
export function parseBlobEntry(body: string): ApiReply | undefined {
  const parsed = parse(body, blobBody)
  return 'reply' in parsed ? parsed.reply : undefined
}

/** The values are never repeated: they may be secrets. */
function parse<T extends z.ZodType>(body: string, schema: T): Parsed<z.output<T>> {
  let document: unknown
  try {
    document = JSON.parse(body)
  } catch {
    return parseError('not JSON')
  }
  const parsed = schema.safeParse(document)
  if (parsed.success) return { value: parsed.data }
  const [issue] = parsed.error.issues
  const member = issue?.path.map(String).join('.') ?? ''
  if (member === '') return parseError('not a JSON object')
  const isMissing = typeof document === 'object' && document !== null && !(member in document)
  return parseError(
    isMissing ? `missing field \`${member}\`` : `invalid type of \`${member}\`: ${issue?.message}`,
  )
}

function parseError(what: string): { readonly reply: ApiReply } {
  return { reply: errorReply(400, `ParseBody(Error(${JSON.stringify(what)}))`) }
}
