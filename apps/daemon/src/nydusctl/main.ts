#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/** The executable. Nothing here may need a new Node, so that an old one can say what is missing. */
import { checkNodeVersion } from '../node-version.ts'

if (checkNodeVersion('nydusctl')) {
  void import('./run-nydusctl.ts').then(async ({ runNydusctl }) => {
    process.exitCode = await runNydusctl(process.argv.slice(2), {
      out: (text) => void process.stdout.write(text),
      err: (text) => void process.stderr.write(text),
    })
  })
}
