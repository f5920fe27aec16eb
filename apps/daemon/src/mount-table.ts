// SPDX-License-Identifier: Apache-2.0
/** All mounts of a daemon by their place. One change at a time. */
import { readFile } from 'node:fs/promises'
import { describeError } from '@nydus/base/error'
import { openBootstrap } from '@nydus/rafs-format'
import { checkType, type MountContext, mountOne } from './mount-one.ts'
import { normalMountPath } from './mount-path.ts'
import type { MountPlaces } from './mount-place.ts'
import { MountRefusal } from './mount-refusal.ts'
import type { MountCommand, Mounted, MountedRafs } from './mounted.ts'

/** The mounts. Paths are as clients write them. */
export interface MountTable {
  /** Where mounts go; set when the daemon's mountpoint is ready, and until then nothing can be mounted. */
  open(places: MountPlaces): void
  /** @throws {MountRefusal} `exists`, `path`, `type` and what `mountOne` throws. */
  mount(path: string, command: MountCommand): Promise<Mounted>
  /**
   * Replaces an image by another of the same version. Files that are open in the old one can be read on in the erofs
   * plane only.
   * @throws {MountRefusal} `missing`, `bootstrap`, and what `mount` throws; the old image stays or is mounted again.
   */
  remount(path: string, command: MountCommand): Promise<void>
  /** Takes a mount out of the tree; does not wait for files that are open. @throws {MountRefusal} `missing`, `path`. */
  unmount(path: string): Promise<void>
  find(path: string): Mounted | undefined
  /** In the order of mounting. */
  list(): readonly Mounted[]
  /** Unmounts all, the deepest first; resolves when they are closed. */
  close(): Promise<void>
}

interface Entry {
  mounted: Mounted
  readonly command: MountCommand
  isReplaced: boolean
}

/** How long an unmount waits for the kernel to let go of an image that nobody uses. */
const RELEASE_MS = 1000

/** @param onGone told when somebody else has unmounted what was at a path. */
export function createMountTable(context: MountContext, onGone: (path: string) => void): MountTable {
  const entries = new Map<string, Entry>()
  let places: MountPlaces | undefined
  let last: Promise<unknown> = Promise.resolve()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  async function place(path: string, command: MountCommand): Promise<Mounted> {
    if (places === undefined) throw new MountRefusal('path', 'the daemon has no mountpoint yet')
    const directory = await places.take(path)
    try {
      const mounted = await mountOne(path, directory, command, context)
      const entry: Entry = { mounted, command, isReplaced: false }
      entries.set(path, entry)
      void mounted.closed.catch(() => {}).then(() => notice(path, entry))
      return mounted
    } catch (error) {
      await places.release(path)
      throw error
    }
  }

  function notice(path: string, entry: Entry): void {
    if (entry.isReplaced || entries.get(path) !== entry) return
    entries.delete(path)
    onGone(path)
  }

  function entryAt(path: string): Entry {
    const entry = entries.get(normalMountPath(path))
    if (entry !== undefined) return entry
    throw new MountRefusal('missing', `nothing is mounted at ${path}`)
  }

  async function take(entry: Entry): Promise<void> {
    entry.isReplaced = true
    try {
      await settledOrLate(entry.mounted.unmount())
    } catch (error) {
      entry.isReplaced = false
      throw error
    }
    entries.delete(entry.mounted.path)
  }

  return {
    open(given) {
      places = given
    },
    mount: (path, command) =>
      inTurn(async () => {
        checkType(command)
        const normal = normalMountPath(path)
        if (entries.has(normal)) throw new MountRefusal('exists', `${path} is mounted already`)
        return place(normal, command)
      }),
    remount: (path, command) =>
      inTurn(async () => {
        const old = entryAt(path)
        await checkReplacement(old.mounted, command)
        await take(old)
        try {
          await place(old.mounted.path, command)
        } catch (error) {
          await place(old.mounted.path, old.command)
          throw error
        }
      }),
    unmount: (path) =>
      inTurn(async () => {
        const entry = entryAt(path)
        await take(entry)
        await places?.release(entry.mounted.path)
      }),
    find: (path) => entries.get(path)?.mounted,
    list: () => [...entries.values()].map(({ mounted }) => mounted),
    close: () =>
      inTurn(async () => {
        const deepestFirst = [...entries.values()].reverse()
        for (const entry of deepestFirst) entry.isReplaced = true
        const ended = await Promise.allSettled(deepestFirst.map(({ mounted }) => mounted.unmount()))
        entries.clear()
        for (const one of ended) if (one.status === 'rejected') throw one.reason
      }),
  }
}

/** The images among the mounts. */
export function rafsMounts(mounts: MountTable): readonly MountedRafs[] {
  return mounts.list().filter((mounted) => mounted.type === 'Rafs')
}

/** An image of another version, or none, must not cost the one that is there. */
async function checkReplacement(old: Mounted, command: MountCommand): Promise<void> {
  checkType(command)
  if (old.type !== 'Rafs')
    throw new MountRefusal('type', `${old.path} shows a directory, it cannot be replaced`)
  const bytes = await readFile(command.source).catch((cause: unknown) => {
    throw new MountRefusal('bootstrap', describeError(cause), cause)
  })
  const found = versionOf(bytes)
  const expected = old.image.bootstrap.fsVersion
  if (found !== expected)
    throw new MountRefusal('bootstrap', `${old.path} is RAFS v${expected}, ${command.source} is v${found}`)
}

function versionOf(bytes: Uint8Array): number {
  try {
    return openBootstrap(bytes).fsVersion
  } catch (error) {
    throw new MountRefusal('bootstrap', describeError(error), error)
  }
}

/** An image whose files are open closes when they do. */
async function settledOrLate(work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, RELEASE_MS)
  try {
    await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
    work.catch(() => {})
  }
}
