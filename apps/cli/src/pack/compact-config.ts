// SPDX-License-Identifier: Apache-2.0
/** `--compact-config-file`: numbers, or numbers as texts, under the names of JSON or of the original's structure. */
import { readFileSync } from 'node:fs'
import { NydusError } from '@nydus/base/error'
import type { CompactOptions } from '@nydus/builder'
import { localFailure } from '../convert/work-directory.ts'

/** What the original's packer takes without a file. */
const DEFAULTS: Required<CompactOptions> = {
  minUsedRatio: 5,
  compactBlobSize: 10485760,
  maxCompactSize: 104857600,
  layersToCompact: 32,
}

/** Reads the file, or gives the defaults. @throws {NydusError} ERR_CONFIG_INVALID, ERR_BUILD_IO. */
export function readCompactConfig(path: string | undefined): CompactOptions {
  if (path === undefined) return DEFAULTS
  const document = parse(path)
  const found = new Map(Object.entries(document).map(([name, value]) => [plainName(name), value]))
  const names = Object.keys(DEFAULTS) as (keyof CompactOptions)[]
  return Object.fromEntries(
    names.map((name) => [name, numberOf(found.get(plainName(name)), DEFAULTS[name], `${path}: ${name}`)]),
  )
}

/** `min_used_ratio`, `MinUsedRatio` and `minUsedRatio` are the same. */
function plainName(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

function numberOf(value: unknown, fallback: number, where: string): number {
  if (value === undefined) return fallback
  const number = typeof value === 'string' && /^[0-9]+$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
  throw new NydusError('ERR_CONFIG_INVALID', `${where} is ${JSON.stringify(value)}, expected a number`)
}

function parse(path: string): object {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw localFailure(error, `compact configuration ${path}`)
  }
  try {
    const document: unknown = JSON.parse(text)
    if (typeof document === 'object' && document !== null) return document
  } catch {
    // told below
  }
  throw new NydusError('ERR_CONFIG_INVALID', `${path} is not a JSON object`)
}
