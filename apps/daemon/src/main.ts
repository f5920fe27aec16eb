#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/** The executable. Nothing here may need a new Node, so that an old one can say what is missing. */

import { setFlagsFromString } from 'node:v8'
import { checkNodeVersion } from './node-version.ts'

if (checkNodeVersion('nydusd')) {
  // Before anything else is loaded: a daemon lives long and mostly waits, so its young generation stays small.
  setFlagsFromString('--semi-space-growth-factor=1')
  void import('./start.ts').then(({ start }) => start(process.argv.slice(2)))
}
