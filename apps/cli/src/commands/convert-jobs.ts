// SPDX-License-Identifier: Apache-2.0
/**
 * `convert --config FILE`: several images in one run. Members are flags without their dashes; the command line goes
 * before an image's own members, and those before `defaults`.
 *
 *   defaults: { plain-http: true, compressor: zstd }
 *   images:
 *     - { source: registry.example.com/app:1, target-suffix: -nydus }
 *     - { source: registry.example.com/db:7, target: registry.example.com/db:7-nydus, platform: [linux/amd64, linux/arm64] }
 */
import { readFile } from 'node:fs/promises'
import { NydusError } from '@nydus/base/error'
import { parse } from 'yaml'
import { localFailure } from '../convert/work-directory.ts'
import { CONVERT_FLAGS } from './convert-flags.ts'
import type { Flag, FlagValues } from './flag.ts'

const MAX_CONFIG_BYTES = 4 << 20
/** Members that describe the run or this machine's terminal, not an image. */
const RUN_FLAGS: ReadonlySet<string> = new Set(['config', 'json', 'prefetch-patterns'])

type Members = ReadonlyMap<string, string | boolean>

/**
 * The flags of each conversion: one without `--config`, one an image of the file with it.
 * @throws {NydusError} ERR_USAGE for a file that cannot be understood, with the place in it.
 */
export async function convertJobs(flags: FlagValues): Promise<readonly FlagValues[]> {
  const path = flags.text('config')
  if (path === undefined) return [flags]
  const document = parseDocument(await readConfig(path), path)
  const defaults = readMembers(document.defaults ?? {}, `${path}: defaults`)
  if (!Array.isArray(document.images) || document.images.length === 0)
    throw usage(`${path}: images: expected a list with at least one image`)
  for (const name of ['source', 'target', 'output-json', 'prefetch-patterns'])
    if (flags.isGiven(name)) throw usage(`--${name} and --config exclude each other`)
  return document.images.map((image: unknown, i) => {
    const own = readMembers(image, `${path}: images[${i}]`)
    return layered(flags, new Map([...defaults, ...own]))
  })
}

async function readConfig(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw localFailure(error, path)
  })
  if (bytes.length <= MAX_CONFIG_BYTES) return bytes.toString('utf8')
  throw usage(`${path}: ${bytes.length} bytes, at most ${MAX_CONFIG_BYTES} are read`)
}

function parseDocument(text: string, path: string): Readonly<Record<string, unknown>> {
  let document: unknown
  try {
    document = parse(text) // JSON is YAML
  } catch (cause) {
    throw usage(`${path}: ${(cause as Error).message.split('\n', 1)[0] ?? ''}`)
  }
  if (!isObject(document)) throw usage(`${path}: expected an object with images`)
  for (const name of Object.keys(document))
    if (name !== 'defaults' && name !== 'images') throw usage(`${path}: ${name}: expected defaults or images`)
  return document
}

function readMembers(value: unknown, where: string): Members {
  if (!isObject(value)) throw usage(`${where}: expected an object of flags`)
  return new Map(Object.entries(value).map(([name, member]) => readMember(name, member, where)))
}

function readMember(name: string, value: unknown, where: string): [string, string | boolean] {
  const flag = CONVERT_FLAGS.find((each) => each.name === name || each.aliases?.includes(name) === true)
  if (flag === undefined || RUN_FLAGS.has(flag.name)) throw usage(`${where}.${name}: no flag of this kind`)
  if (flag.unsupported !== undefined) throw usage(`${where}.${name} is not supported: ${flag.unsupported}`)
  return [flag.name, memberValue(flag, value, `${where}.${name}`)]
}

function memberValue(flag: Flag, value: unknown, where: string): string | boolean {
  if (flag.value === undefined) {
    if (typeof value === 'boolean') return value
    throw usage(`${where}: expected true or false`)
  }
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(',')
  if (isObject(value)) return JSON.stringify(value) // backend-config
  throw usage(`${where}: expected a text or a number`)
}

function layered(flags: FlagValues, members: Members): FlagValues {
  return {
    text(name) {
      if (flags.isGiven(name)) return flags.text(name)
      const value = members.get(name)
      return typeof value === 'string' ? value : flags.text(name)
    },
    isSet(name) {
      if (flags.isGiven(name)) return true
      const value = members.get(name)
      return value === undefined ? flags.isSet(name) : value !== false
    },
    isGiven: (name) => flags.isGiven(name) || members.has(name),
    notes: flags.notes,
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function usage(message: string): NydusError {
  return new NydusError('ERR_USAGE', message)
}
