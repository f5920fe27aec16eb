// SPDX-License-Identifier: Apache-2.0
/** A report as lines of text. */
import type { CheckReport } from './check-report.ts'

/** The end of a check for people; findings themselves were printed when they came. */
export function formatReport(report: CheckReport): string {
  const lines = report.rules.map(({ rule, status, reason, findingCount }) => {
    const detail = status === 'failed' ? countOf(findingCount) : (reason ?? '')
    return `  ${rule.padEnd(10)} ${status}${detail === '' ? '' : ` (${detail})`}`
  })
  const compared =
    report.source === undefined
      ? `${report.chunkCount} chunks in ${report.blobBytes} bytes of blobs verified`
      : `${report.pathCount} paths compared, ${report.fileCount} of them files; ${report.chunkCount} chunks in ${report.blobBytes} bytes of blobs verified`
  const verdict = report.passed ? 'no difference found' : countOf(report.findingCount)
  return [`${report.target.reference} (${report.platform}): ${verdict}`, ...lines, `  ${compared}`].join('\n')
}

function countOf(findingCount: number): string {
  return findingCount === 1 ? '1 finding' : `${findingCount} findings`
}
