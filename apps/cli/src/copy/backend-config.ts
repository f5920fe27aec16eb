// SPDX-License-Identifier: Apache-2.0
/** Configurations of backends from the command line or a file. */
import { readFileSync } from 'node:fs'
import { NydusError } from '@nydus/base/error'
import { localFailure } from '../convert/work-directory.ts'

/**
 * Parses the configuration. Its content may be secret, so no message repeats it.
 * @param file read when there is no text.
 * @throws {NydusError} ERR_CONFIG_INVALID for what is no JSON, ERR_BUILD_IO for a file that cannot be read.
 */
export function readBackendConfig(text: string | undefined, file: string | undefined): unknown {
  const where = text === undefined ? (file ?? '') : 'the backend configuration'
  try {
    return JSON.parse(text ?? readText(file ?? ''))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new NydusError('ERR_CONFIG_INVALID', `${where} is not JSON`)
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw localFailure(error, `backend configuration ${path}`)
  }
}
