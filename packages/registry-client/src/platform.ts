// SPDX-License-Identifier: Apache-2.0
/** Platforms: parsing, and the choice of one manifest from an index. */
import { RegistryError } from './errors.ts'
import type { Descriptor, Index, Platform } from './types.ts'

const ARCHITECTURES: Readonly<Record<string, { architecture: string; variant?: string }>> = {
  x86_64: { architecture: 'amd64' },
  'x86-64': { architecture: 'amd64' },
  x64: { architecture: 'amd64' },
  aarch64: { architecture: 'arm64' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
  i386: { architecture: '386' },
  ia32: { architecture: '386' },
}
const OS_NAMES: Readonly<Record<string, string>> = { macos: 'darwin', win32: 'windows' }
/** The variant that a platform without one means. */
const IMPLIED_VARIANTS: Readonly<Record<string, number>> = { arm: 7, arm64: 8, amd64: 1 }

/** Annotation of build attestations, which share an index with the images they describe. */
const ANNOTATION_REFERENCE_TYPE = 'vnd.docker.reference.type'

/** Parses `os/architecture[/variant]`; usual other names (`x86_64`, `aarch64`) are understood. @throws ERR_USAGE */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/')
  const [os, name, variant] = parts
  if (
    !os ||
    !name ||
    parts.length > 3 ||
    variant === '' ||
    !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))
  ) {
    throw new RegistryError('ERR_USAGE', `bad platform "${text}"`, {
      hint: 'write it like linux/amd64 or linux/arm/v7',
    })
  }
  const known = ARCHITECTURES[name] ?? { architecture: name }
  const found = variant ?? known.variant
  return {
    os: OS_NAMES[os] ?? os,
    architecture: known.architecture,
    ...(found === undefined ? {} : { variant: found }),
  }
}

/** `os/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  const variant = platform.variant ? `/${platform.variant}` : ''
  return `${platform.os}/${platform.architecture}${variant}`
}

/** Tells whether an image for `offered` runs where `wanted` is asked for: same OS and architecture, variant not higher. */
export function platformMatches(wanted: Platform, offered: Platform): boolean {
  return variantDistance(wanted, offered) >= 0
}

/**
 * The manifest of an index that fits `platform` best: the highest variant that still runs, the first among equals.
 * Build attestations are never chosen; `accept` narrows the choice further.
 * @throws {RegistryError} ERR_IMAGE_PLATFORM, listing what the index offers.
 */
export function selectManifest(
  index: Index,
  platform: Platform,
  accept: (descriptor: Descriptor) => boolean = () => true,
): Descriptor {
  const candidates = index.manifests.filter((entry) => !isAttestation(entry) && accept(entry))
  let best: Descriptor | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const entry of candidates) {
    const distance = !entry.platform ? -1 : variantDistance(platform, entry.platform)
    if (distance < 0 || distance >= bestDistance) continue
    best = entry
    bestDistance = distance
  }
  if (best !== undefined) return best
  const [only] = candidates
  if (only !== undefined && candidates.length === 1 && !only.platform) return only
  throw noSuchPlatform(platform, candidates)
}

/** Variants by which `offered` is below `wanted`, or -1 when it does not run there. */
function variantDistance(wanted: Platform, offered: Platform): number {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return -1
  if ((wanted.variant ?? '') === (offered.variant ?? '')) return 0
  const distance = variantNumber(wanted) - variantNumber(offered)
  return Number.isNaN(distance) ? -1 : distance
}

function variantNumber(platform: Platform): number {
  if (!platform.variant) return IMPLIED_VARIANTS[platform.architecture] ?? Number.NaN
  return Number(/^v?([0-9]+)$/.exec(platform.variant)?.[1] ?? Number.NaN)
}

function isAttestation(entry: Descriptor): boolean {
  return entry.annotations?.[ANNOTATION_REFERENCE_TYPE] !== undefined || entry.platform?.os === 'unknown'
}

function noSuchPlatform(platform: Platform, candidates: readonly Descriptor[]): RegistryError {
  const offered = [
    ...new Set(candidates.map((entry) => (entry.platform ? formatPlatform(entry.platform) : 'unnamed'))),
  ]
  return new RegistryError(
    'ERR_IMAGE_PLATFORM',
    `the image has no manifest for ${formatPlatform(platform)}`,
    {
      details: { platform: formatPlatform(platform), offered },
      hint: offered.length > 0 ? `it is there for ${offered.slice(0, 20).join(', ')}` : 'the index is empty',
    },
  )
}
