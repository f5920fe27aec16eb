// SPDX-License-Identifier: Apache-2.0
/** Links to one file tell which command is meant by their name. */
import { basename } from 'node:path'

/** The command that the program was called as. @param path of the program, as it was called. */
export function calledAs(path: string | undefined): 'nydus' | 'nydusify' | 'nydus-image' {
  const name = basename(path ?? '').replace(/\.(js|ts|mjs|cmd)$/, '')
  return name === 'nydusify' || name === 'nydus-image' ? name : 'nydus'
}
