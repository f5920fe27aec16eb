// SPDX-License-Identifier: Apache-2.0
/** Nothing here may need a new Node, so that an old one can say what is missing. */

const OLDEST = [22, 19] as const

/** Tells whether this Node is new enough; if not, says so for `program` and sets the exit status 78. */
export function checkNodeVersion(program: string): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return true
  process.stderr.write(
    `${program} needs Node ${OLDEST.join('.')} or newer, this is ${process.versions.node}\n`,
  )
  process.exitCode = 78
  return false
}
