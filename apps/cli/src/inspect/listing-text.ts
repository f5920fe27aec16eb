// SPDX-License-Identifier: Apache-2.0
/** Lines of `inspect ls`, in the way of `ls -l`. */
import type { ListedPath } from './tree-listing.ts'

const TYPE_LETTERS: Readonly<Record<ListedPath['type'], string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  char: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
}
const SPECIAL = [
  { bit: 0o4000, at: 2, on: 's', off: 'S' },
  { bit: 0o2000, at: 5, on: 's', off: 'S' },
  { bit: 0o1000, at: 8, on: 't', off: 'T' },
] as const
const SIZE_WIDTH = 11
const DATE_LENGTH = 19

/** E.g. `-rwxr-xr-x   0   0       1024 2024-05-01 12:00:00 bin/sh -> busybox`. Times are UTC. */
export function formatListed(entry: ListedPath): string {
  const owner = `${String(entry.uid).padStart(5)} ${String(entry.gid).padStart(5)}`
  const size = sizeText(entry).padStart(SIZE_WIDTH)
  const plus = entry.xattrs === undefined ? ' ' : '@'
  const target = entry.target === undefined ? '' : ` -> ${entry.target}`
  return `${modeText(entry)}${plus} ${owner} ${size} ${timeText(entry.mtime)} ${entry.path}${target}`
}

/** E.g. `drwxr-xr-x`. */
export function modeText({ type, mode }: Pick<ListedPath, 'type' | 'mode'>): string {
  const letters = Array.from({ length: 9 }, (_, i) =>
    (mode & (0o400 >> i)) === 0 ? '-' : 'rwx'.charAt(i % 3),
  )
  for (const { bit, at, on, off } of SPECIAL) {
    if ((mode & bit) !== 0) letters[at] = letters[at] === 'x' ? on : off
  }
  return TYPE_LETTERS[type] + letters.join('')
}

function sizeText({ size, rdev }: ListedPath): string {
  if (rdev === undefined) return String(size)
  return `${major(rdev)}, ${minor(rdev)}`
}

/** Linux's encoding in 32 bits: 12 bits of major between 8 and 12 bits of minor. */
function major(rdev: number): number {
  return (rdev >>> 8) & 0xfff
}

function minor(rdev: number): number {
  return (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)
}

function timeText(mtime: number): string {
  const date = new Date(mtime * 1000)
  if (Number.isNaN(date.getTime())) return `@${mtime}`.padEnd(DATE_LENGTH)
  return date.toISOString().replace('T', ' ').slice(0, DATE_LENGTH)
}
