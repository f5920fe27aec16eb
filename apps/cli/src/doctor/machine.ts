// SPDX-License-Identifier: Apache-2.0
/** What `doctor` asks the machine; tests bring another one. */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { homedir, release } from 'node:os'
import { delimiter, join } from 'node:path'
import { describeError } from '@nydus/base/error'
import { openXattrReader } from '../mount/read-xattrs.ts'

/** A machine. */
export interface Machine {
  readonly platform: string
  readonly arch: string
  readonly nodeVersion: string
  readonly kernel: string
  /** Undefined where there are no user ids. */
  readonly euid: number | undefined
  readonly home: string
  /** Content of a small file, undefined when it cannot be read. */
  readText(path: string): string | undefined
  exists(path: string): boolean
  /** Whether this process may read and write a file. */
  mayOpen(path: string): boolean
  /** Finds a program in PATH. */
  hasProgram(name: string): boolean
  /** Bytes free in the file system of a directory, for this user. */
  freeBytes(path: string): number | undefined
  /** Calls of the C library work. @returns why not. */
  whyNoBinding(): Promise<string | undefined>
}

/** The machine that this process runs on. */
export function thisMachine(env: Readonly<Record<string, string | undefined>>): Machine {
  const mayAccess = (path: string, mode: number) => {
    try {
      accessSync(path, mode)
      return true
    } catch {
      return false
    }
  }
  return {
    platform: process.platform,
    arch: process.arch,
    nodeVersion: process.versions.node,
    kernel: release(),
    euid: process.geteuid?.(),
    home: homedir(),
    readText: (path) => orUndefined(() => readFileSync(path, 'utf8')),
    exists: existsSync,
    mayOpen: (path) => mayAccess(path, constants.R_OK | constants.W_OK),
    hasProgram: (name) =>
      (env.PATH ?? '').split(delimiter).some((directory) => mayAccess(join(directory, name), constants.X_OK)),
    freeBytes: (path) =>
      orUndefined(() => {
        const { bavail, bsize } = statfsSync(path)
        return bavail * bsize
      }),
    whyNoBinding: () => openXattrReader().then(() => undefined, describeError),
  }
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
