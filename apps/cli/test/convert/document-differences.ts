// SPDX-License-Identifier: Apache-2.0
/** JSON documents compared leaf by leaf. */

/** A leaf that is not the same. */
export interface Difference {
  /** Names and positions joined by dots, e.g. `manifest.layers.0.size`. */
  readonly path: string
  /** Undefined where the document has no such leaf. */
  readonly ours: unknown
  readonly theirs: unknown
}

/** All leaves in which two documents differ; also the order of members counts. */
export function differences(path: string, ours: unknown, theirs: unknown): readonly Difference[] {
  if (!isTree(ours) || !isTree(theirs)) return ours === theirs ? [] : [{ path, ours, theirs }]
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
  const found = names.flatMap((name) => differences(`${path}.${name}`, ours[name], theirs[name]))
  const order = (tree: object, other: object) =>
    Object.keys(tree)
      .filter((name) => name in other)
      .join()
  const [own, recorded] = [order(ours, theirs), order(theirs, ours)]
  return own === recorded ? found : [...found, { path: `${path} (order)`, ours: own, theirs: recorded }]
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
