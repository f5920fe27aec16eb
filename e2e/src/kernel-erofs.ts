// SPDX-License-Identifier: Apache-2.0
/** Mounts a bootstrap with the kernel's own EROFS over decoded blobs. */
import { must, run } from './run.ts'

/** A kernel mount; `close` unmounts it and frees its loop devices. */
export interface KernelMount {
  readonly mountpoint: string
  close(): Promise<void>
}

/** Mounts `bootstrap` at `mountpoint`; `blobs` are decoded blob files in device order (root). */
export async function mountErofs(
  bootstrap: string,
  blobs: readonly string[],
  mountpoint: string,
): Promise<KernelMount> {
  const loops: string[] = []
  for (const blob of blobs)
    loops.push((await must(['losetup', '--find', '--show', '--read-only', blob])).stdout.trim())
  const devices = loops.map((loop) => `,device=${loop}`).join('')
  const free = async () => {
    for (const loop of loops) await run(['losetup', '--detach', loop])
  }
  try {
    await must(['mount', '-t', 'erofs', '-o', `ro,loop${devices}`, bootstrap, mountpoint])
  } catch (error) {
    await free()
    throw error
  }
  return {
    mountpoint,
    async close() {
      await run(['umount', mountpoint])
      await free()
    },
  }
}
