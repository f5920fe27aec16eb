// SPDX-License-Identifier: Apache-2.0
/** Arguments of `nydus-check` → a check → lines and an exit status. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { describeError, exitStatusOf, isNydusError, NydusError, redact } from '@nydus/base/error'
import { type CheckOptions, checkImage } from './check-image.ts'
import { formatFinding } from './finding.ts'
import { formatReport } from './format-report.ts'

const USAGE = `Usage: nydus-check [--source IMAGE] --target IMAGE [options]

Proves that a Nydus image holds the same file system as its source. IMAGE is a
reference, oci:DIR[:tag], oci-archive:FILE or docker-archive:FILE (source only).

  --source IMAGE       the OCI image; without it only the target itself is checked
  --target IMAGE       the Nydus image
  --platform NAME      which image of an index, e.g. linux/amd64
  --source-insecure    accept any certificate and plain HTTP from the source
  --target-insecure    accept any certificate and plain HTTP from the target
  --plain-http         speak plain HTTP to registries
  --json               print the report as JSON
  --version, --help

Exit status: 0 equal, 1 findings, 2 usage, 3 bad content, 4 registry, 5 system,
70 a fault of the program, 78 Node.js is too old, 130 interrupted.
`

const OPTIONS = {
  source: { type: 'string' },
  target: { type: 'string' },
  platform: { type: 'string' },
  'source-insecure': { type: 'boolean', default: false },
  'target-insecure': { type: 'boolean', default: false },
  'plain-http': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  version: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** A stream for text. */
export interface Output {
  write(text: string): unknown
}

/** Runs one command line. @returns the exit status. */
export async function runCommandLine(
  argv: readonly string[],
  stdout: Output,
  stderr: Output,
  signal: AbortSignal,
): Promise<number> {
  try {
    const values = parse(argv)
    if (values.help || values.version) {
      stdout.write(values.help ? USAGE : `${readVersion()}\n`)
      return 0
    }
    const report = await checkImage({
      ...checkOptionsOf(values),
      signal,
      onFinding: (finding) => values.json || stdout.write(`${formatFinding(finding)}\n`),
    })
    stdout.write(`${values.json ? JSON.stringify(report) : formatReport(report)}\n`)
    return report.passed ? 0 : 1
  } catch (error) {
    return fail(signal.aborted ? signal.reason : error, stderr)
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

function parse(argv: readonly string[]): Values {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: false }).values
  } catch (cause) {
    throw new NydusError('ERR_USAGE', (cause as Error).message.replace(/\. .*$/s, ''), {
      hint: 'see nydus-check --help',
    })
  }
}

function checkOptionsOf(values: Values): CheckOptions {
  const { source, target, platform } = values
  if (target === undefined)
    throw new NydusError('ERR_USAGE', '--target is missing', { hint: 'see nydus-check --help' })
  return {
    target,
    ...(source === undefined ? {} : { source }),
    ...(platform === undefined ? {} : { platform }),
    sourceInsecure: values['source-insecure'] ?? false,
    targetInsecure: values['target-insecure'] ?? false,
    plainHttp: values['plain-http'] ?? false,
  }
}

function fail(error: unknown, stderr: Output): number {
  const message = oneLine(describeError(error))
  if (!isNydusError(error)) stderr.write(`nydus-check: internal error: ${message}\n`)
  else {
    stderr.write(`nydus-check: ${message} (${error.code})\n`)
    if (error.hint !== undefined) stderr.write(`hint: ${oneLine(error.hint)}\n`)
  }
  return exitStatusOf(error)
}

function oneLine(text: string): string {
  return redact(text).replace(/\s*\n\s*/g, ' ')
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
