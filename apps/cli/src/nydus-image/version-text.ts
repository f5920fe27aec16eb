// SPDX-License-Identifier: Apache-2.0
/** What the program says about itself, in the lines that clients of the original parse. */
import { BUILDER_VERSION, VERSION } from '../version.ts'

/** The text of `--version`. A package does not know its commit; its version names it as exactly. */
export const VERSION_TEXT = [
  `Version: \tv${VERSION}`,
  `Git Commit: \t${BUILDER_VERSION}`,
  'Build Time: \tunknown',
  'Profile: \trelease',
  `Rustc: \t\tnode ${process.version}`,
  '\n',
].join('\n')

/** `version` of result files: version and commit. */
export const RESULT_VERSION = `v${VERSION}-${BUILDER_VERSION}`
