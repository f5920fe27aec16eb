// SPDX-License-Identifier: Apache-2.0
/** Whether this machine can mount, and directories that are certainly not mounted when a test file ends. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { mountAt, readMounts } from '../../src/mountpoint.ts'

const missing = whatIsMissing()

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'Linux'
  if (process.geteuid?.() !== 0) return 'root'
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK)
    return undefined
  } catch {
    return '/dev/fuse'
  }
}

/** `describe` for tests that mount; elsewhere they are skipped and say what they miss. */
export function describeMounted(name: string, tests: () => void): void {
  if (missing === undefined) describe(name, tests)
  else describe.skip(`${name} (skipped: needs ${missing})`, tests)
  if (missing !== undefined) console.warn(`skipped: ${name}: needs ${missing}`)
}

const directories: string[] = []

/** A fresh directory to mount on. */
export function createMountpoint(): string {
  const directory = mkdtempSync(join(tmpdir(), 'fuse-fs-mount-'))
  directories.push(directory)
  return directory
}

/** Tells whether something is mounted there. Does not touch the directory. */
export function isMounted(mountpoint: string): boolean {
  return mountAt(readMounts(), mountpoint) !== undefined
}

/** Detaches everything that is left and removes the directories. */
export function removeMountpoints(): void {
  for (const directory of directories.splice(0)) {
    while (isMounted(directory) && spawnSync('umount', ['-l', directory]).status === 0);
    if (!isMounted(directory)) rmSync(directory, { recursive: true })
  }
}
