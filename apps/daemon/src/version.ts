// SPDX-License-Identifier: Apache-2.0
/** What `--version` and the API say about this program. */
import { readFileSync } from 'node:fs'

/** The original's keys, all of them required by its clients. */
export interface VersionInfo {
  readonly package_ver: string
  /** Clients compare it with the one that `--version` prints, to see whether a running daemon is outdated. */
  readonly git_commit: string
  readonly build_time: string
  readonly profile: string
  /** The compiler in the original; here the runtime. */
  readonly rustc: string
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { readonly version?: unknown }
  return typeof version === 'string' ? version : '0.0.0'
}

const version = readVersion()

/** Of this process. A package does not know its commit; its version names it as exactly. */
export const VERSION: VersionInfo = {
  package_ver: version,
  git_commit: `nydus-ts-v${version}`,
  build_time: 'unknown',
  profile: 'release',
  rustc: `node ${process.version}`,
}

/** The text of `--version`, in the original's shape. */
export function formatVersion(info: VersionInfo): string {
  return [
    `Version: \t${info.package_ver}`,
    `Git Commit: \t${info.git_commit}`,
    `Build Time: \t${info.build_time}`,
    `Profile: \t${info.profile}`,
    `Rustc: \t\t${info.rustc}`,
  ].join('\n')
}
