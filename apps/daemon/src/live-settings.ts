// SPDX-License-Identifier: Apache-2.0
/** Settings that `PUT /api/v1/config` changes while images are mounted, by the mountpoint of the image. */

/** What may be changed. */
export const LIVE_KEYS = ['registry_auth', 'proxy_url', 'dragonfly_scheduler_endpoint'] as const
/** A setting that may be changed. */
export type LiveKey = (typeof LIVE_KEYS)[number]
/** Some settings of one image. */
export type LiveValues = Readonly<Partial<Record<LiveKey, string>>>

/** The table of changed settings. An id need not have an image yet. */
export interface LiveSettings {
  update(id: string, values: LiveValues): void
  /** A secret is in there: show it to nobody. */
  get(id: string): LiveValues
  /** `id:key` and value of each setting. */
  entries(): readonly (readonly [id: string, values: LiveValues])[]
}

/** An empty table. */
export function createLiveSettings(): LiveSettings {
  const byId = new Map<string, LiveValues>()
  return {
    update: (id, values) => void byId.set(id, { ...byId.get(id), ...values }),
    get: (id) => byId.get(id) ?? {},
    entries: () => [...byId],
  }
}
