// SPDX-License-Identifier: Apache-2.0

/** A request target: the path as it was sent, and the members of the query. */
export interface Target {
  readonly path: string
  readonly query: URLSearchParams
}

/** Absolute URIs are allowed; the path is not decoded, so `%2F` is no slash. Undefined when it is no target. */
export function parseTarget(target: string): Target | undefined {
  const local = target.replace(/^https?:\/\/[^/?#]*/, '').replace(/#.*$/s, '')
  const [path = '', ...query] = local.split('?')
  if (!path.startsWith('/')) return undefined
  return { path, query: new URLSearchParams(query.join('?')) }
}
