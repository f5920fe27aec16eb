// SPDX-License-Identifier: Apache-2.0

/** What may be asked for. `auto` takes erofs where it can be had. */
export const DATA_PLANES = ['auto', 'fuse', 'erofs'] as const
/** Who serves the files of a mount. */
export type DataPlane = (typeof DATA_PLANES)[number]
