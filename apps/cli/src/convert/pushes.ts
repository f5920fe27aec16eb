// SPDX-License-Identifier: Apache-2.0
/** Pushes of layers that go on while others are built. */

/** A growing set of pushes. */
export interface Pushes {
  readonly add: (push: Promise<void>) => void
  /** Waits for all that were added. @throws what the first that failed threw. */
  readonly done: () => Promise<void>
  /** The same; failures are ignored. */
  readonly settled: () => Promise<void>
}

/** @param abort is called as soon as a push fails, to stop everything else. */
export function collectPushes(abort: (reason: unknown) => void): Pushes {
  const pushes: Promise<void>[] = []
  const settled = async () => void (await Promise.allSettled(pushes))
  return {
    add(push) {
      pushes.push(push)
      push.catch(abort)
    },
    async done() {
      await settled()
      await Promise.all(pushes)
    },
    settled,
  }
}
