#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/** The executable. Nothing here may need a new Node, so that an old one can say what is missing. */

import { setFlagsFromString } from 'node:v8'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const OLDEST = [22, 19] as const

if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) {
  // Before anything else is loaded: a daemon lives long and mostly waits, so its young generation stays small.
  setFlagsFromString('--semi-space-growth-factor=1')
  void import('./start.ts').then(({ start }) => start(process.argv.slice(2)))
} else {
  process.stderr.write(`nydusd needs Node ${OLDEST.join('.')} or newer, this is ${process.versions.node}\n`)
  process.exitCode = 78
}
