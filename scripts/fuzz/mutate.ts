// SPDX-License-Identifier: Apache-2.0
/** Damage that knows the format: fields get values that matter, records are copied over others of their kind. */
import type { FieldSite } from './field-sites.ts'
import type { Random } from './random.ts'

/** What a mutation starts from. */
export interface Seed {
  readonly name: string
  readonly bytes: Uint8Array
  /** Fields of the intact bytes; may be empty. */
  readonly sites: readonly FieldSite[]
}

type Mutation = (bytes: Uint8Array, seed: Seed, others: readonly Seed[], random: Random) => Uint8Array

const MAX_MUTATIONS = 4
const MAX_GROWTH = 4096
const MAX_SPAN = 128

/** A damaged copy of `seed`; `others` lend bytes. */
export function mutate(seed: Seed, others: readonly Seed[], random: Random): Uint8Array {
  let bytes = new Uint8Array(seed.bytes)
  for (let left = 1 + random.below(MAX_MUTATIONS); left > 0; left--) {
    const known = seed.sites.length > 0 ? [...ON_FIELDS, ...ON_FIELDS, ...ON_BYTES] : ON_BYTES
    bytes = new Uint8Array(random.pick(known)(bytes, seed, others, random))
  }
  return bytes
}

const setField: Mutation = (bytes, seed, _, random) => {
  const site = random.pick(seed.sites)
  return withValue(bytes, site, interestingValue(bytes, site, seed, random))
}

/** A field gets the value of another: offsets that point at each other, sizes that are counts. */
const copyField: Mutation = (bytes, seed, _, random) => {
  const from = random.pick(seed.sites)
  return withValue(bytes, random.pick(seed.sites), readValue(bytes, from))
}

/** Two records become the same: cycles, directories inside themselves, shared data. */
const copyRecord: Mutation = (bytes, seed, _, random) => {
  const from = random.pick(seed.sites)
  const same = seed.sites.filter(({ record }) => record === from.record)
  const to = random.pick(same)
  if (to.recordStart + to.recordSize <= bytes.length)
    bytes.copyWithin(to.recordStart, from.recordStart, from.recordStart + from.recordSize)
  return bytes
}

const flipBits: Mutation = (bytes, _seed, _others, random) => {
  for (let left = 1 + random.below(8); left > 0; left--) {
    const at = random.below(bytes.length)
    if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
  }
  return bytes
}

const cut: Mutation = (bytes, _seed, _others, random) => bytes.subarray(0, random.below(bytes.length))

const grow: Mutation = (bytes, _seed, _others, random) => {
  const grown = new Uint8Array(bytes.length + random.pick([1, 8, 512, random.below(MAX_GROWTH), MAX_GROWTH]))
  grown.set(bytes)
  return grown
}

const moveSpan: Mutation = (bytes, _seed, _others, random) => {
  const from = random.below(bytes.length)
  bytes.copyWithin(random.below(bytes.length), from, from + 1 + random.below(MAX_SPAN))
  return bytes
}

const borrow: Mutation = (bytes, _seed, others, random) => {
  const other = random.pick(others).bytes
  const from = random.below(other.length)
  const to = random.below(bytes.length)
  const length = Math.min(1 + random.below(MAX_SPAN), other.length - from, bytes.length - to)
  if (length > 0) bytes.set(other.subarray(from, from + length), to)
  return bytes
}

const fill: Mutation = (bytes, _seed, _others, random) => {
  const from = random.below(bytes.length)
  return bytes.fill(random.pick([0, 0xff, 0x2e, 0x2f]), from, from + 1 + random.below(MAX_SPAN))
}

const ON_FIELDS: readonly Mutation[] = [setField, setField, copyField, copyRecord]
const ON_BYTES: readonly Mutation[] = [flipBits, cut, grow, moveSpan, borrow, fill]

function interestingValue(bytes: Uint8Array, site: FieldSite, seed: Seed, random: Random): bigint {
  const value = readValue(bytes, site)
  const size = BigInt(bytes.length)
  const top = (1n << BigInt(8 * Math.min(site.size, 8))) - 1n
  return random.pick([
    0n,
    1n,
    top,
    top >> 1n,
    (top >> 1n) + 1n,
    value + 1n,
    value - 1n,
    value ^ (1n << BigInt(random.below(8 * Math.min(site.size, 8)))),
    value << 1n,
    size,
    size - 1n,
    size / 32n,
    size / 4096n,
    BigInt(random.pick(seed.sites).offset),
    BigInt(random.below(2 ** 16)),
    1n << BigInt(random.below(64)),
  ])
}

function readValue(bytes: Uint8Array, { offset, size }: FieldSite): bigint {
  let value = 0n
  for (let i = Math.min(size, 8) - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[offset + i] ?? 0)
  return value
}

function withValue(bytes: Uint8Array, { offset, size }: FieldSite, value: bigint): Uint8Array {
  let rest = BigInt.asUintN(64, value)
  for (let i = 0; i < Math.min(size, 8) && offset + i < bytes.length; i++) {
    bytes[offset + i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}
