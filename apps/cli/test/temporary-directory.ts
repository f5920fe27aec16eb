// SPDX-License-Identifier: Apache-2.0
/** A directory that is gone after the test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Makes an empty directory; call it inside a test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'nydus-test-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}
