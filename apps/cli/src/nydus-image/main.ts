#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/** The program behind the bin `nydus-image`. Nothing is imported before the version of Node is known to be enough. */

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`nydus-image needs Node 22.19 or newer, this is ${process.versions.node}\n`)
  process.exitCode = 78
} else {
  const { startNydusImage } = await import('./start.ts')
  await startNydusImage()
}
