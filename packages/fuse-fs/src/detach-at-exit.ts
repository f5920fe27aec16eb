// SPDX-License-Identifier: Apache-2.0
/**
 * Leaves no dead mount behind when the process exits without unmounting, and lets its threads go: Node waits for worker
 * threads at exit, and a worker that waits for the kernel has to be woken.
 */

type Detach = () => void
const active = new Set<Detach>()

/** Calls `detach` if the process exits. @returns a function that takes this back. */
export function detachAtExit(detach: Detach): () => void {
  if (active.size === 0) process.on('exit', detachAll)
  active.add(detach)
  return () => {
    active.delete(detach)
    if (active.size === 0) process.off('exit', detachAll)
  }
}

function detachAll(): void {
  for (const detach of active) detach()
}
