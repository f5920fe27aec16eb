// SPDX-License-Identifier: Apache-2.0
/** `nydus commit`: known, and refused with the reason. */
import { usage } from './usage.ts'

/** @throws {NydusError} ERR_USAGE always. */
export async function runCommit(): Promise<number> {
  throw usage(
    'commit is not supported: it needs the API of containerd to freeze a container and to find its writable layer',
    'nydus build --parent-bootstrap FILE --source-dir UPPER makes an image of an overlay directory',
  )
}
