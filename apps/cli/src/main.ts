#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/** The program behind all bins of this package. Nothing is imported before the version of Node is known to be enough. */

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`nydus needs Node 22.19 or newer, this is ${process.versions.node}\n`)
  process.exitCode = 78
} else {
  const { calledAs } = await import('./called-as.ts')
  const name = calledAs(process.argv[1])
  if (name === 'nydus-image') {
    const { startNydusImage } = await import('./nydus-image/start.ts')
    await startNydusImage()
  } else {
    const { start } = await import('./start.ts')
    await start(name)
  }
}
