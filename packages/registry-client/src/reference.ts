// SPDX-License-Identifier: Apache-2.0
/**
 * Image references, `registry/repository:tag@digest`, with Docker Hub's short forms.
 *
 *   reference  = [ registry "/" ] repository [ ":" tag ] [ "@" digest ]
 *   repository = component *( "/" component )
 *
 * Grammar: https://github.com/distribution/reference/blob/v0.6.0/reference.go
 */
import { type Digest, isDigest } from '@nydus/base/digest'
import { RegistryError } from './errors.ts'

/** A parsed reference. Without tag and digest in the text, `tag` is `latest`. */
export interface Reference {
  /** Host, or host:port, to connect to; `registry-1.docker.io` for Docker Hub. */
  readonly registry: string
  /** Path without registry, e.g. `library/alpine`. */
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}

/** The host of Docker Hub's registry. */
export const DOCKER_HUB_REGISTRY = 'registry-1.docker.io'
const DOCKER_HUB_ALIASES = new Set([
  'docker.io',
  'index.docker.io',
  'registry.hub.docker.com',
  DOCKER_HUB_REGISTRY,
])

const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
const IPV6 = '\\[[0-9a-fA-F:.]+\\]'
const REGISTRY = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|${IPV6})(?::[0-9]{1,5})?$`)
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`)
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const MAX_NAME_LENGTH = 255
const MAX_PORT = 65_535

/**
 * Parses what a person types: `alpine`, `docker.io/library/alpine:3`, `localhost:5000/a/b@sha256:…`, `[::1]:5000/a`.
 * @throws {RegistryError} ERR_REFERENCE_INVALID, with the reason.
 */
export function parseReference(text: string): Reference {
  if (/^[a-z]+:\/\//i.test(text)) throw invalid(text, 'a scheme is not part of it', 'leave out "https://"')
  const { name, tag, digest } = splitSuffixes(text)
  const { registry, repository } = splitRegistry(text, name)
  if (!REPOSITORY.test(repository)) {
    const lower = repository !== repository.toLowerCase()
    throw invalid(
      text,
      `bad repository name "${repository}"`,
      lower ? 'repository names are lower-case' : undefined,
    )
  }
  if (name.length > MAX_NAME_LENGTH)
    throw invalid(text, `the name has more than ${MAX_NAME_LENGTH} characters`)
  return {
    registry,
    repository,
    ...(tag !== undefined ? { tag } : digest === undefined ? { tag: 'latest' } : {}),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** The full text of a reference; Docker Hub is written `docker.io`. */
export function formatReference(reference: Reference): string {
  const registry = reference.registry === DOCKER_HUB_REGISTRY ? 'docker.io' : reference.registry
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`
  return `${registry}/${reference.repository}${tag}${digest}`
}

/** Tells whether `text` may be used as a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text)
}

function splitSuffixes(text: string): { name: string; tag?: string; digest?: Digest } {
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  if (digest !== undefined && !isDigest(digest)) {
    throw invalid(text, `bad digest "${digest}"`, 'digests are "sha256:" and 64 lower-case hex digits')
  }
  const named = at < 0 ? text : text.slice(0, at)
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  // A name without any slash may still be a registry with a port, but a registry alone is not a reference.
  const tag = colon < 0 ? undefined : named.slice(colon + 1)
  if (tag !== undefined && !TAG.test(tag)) throw invalid(text, `bad tag "${tag}"`)
  const name = colon < 0 ? named : named.slice(0, colon)
  if (name === '') throw invalid(text, 'no repository name')
  return { name, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
}

function splitRegistry(text: string, name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  if (!isRegistryName(first))
    return { registry: DOCKER_HUB_REGISTRY, repository: slash < 0 ? `library/${name}` : name }
  const port = /:([0-9]+)$/.exec(first.replace(/^\[.*\]/, ''))?.[1]
  if (!REGISTRY.test(first) || Number(port ?? 1) > MAX_PORT || Number(port ?? 1) === 0) {
    throw invalid(text, `bad registry "${first}"`)
  }
  const rest = name.slice(slash + 1)
  if (!DOCKER_HUB_ALIASES.has(first)) return { registry: first, repository: rest }
  return { registry: DOCKER_HUB_REGISTRY, repository: rest.includes('/') ? rest : `library/${rest}` }
}

/** The first component is a registry when it cannot be part of a Docker Hub name. */
function isRegistryName(first: string): boolean {
  return first === 'localhost' || /[.:[\]]/.test(first) || first !== first.toLowerCase()
}

function invalid(text: string, reason: string, hint?: string): RegistryError {
  return new RegistryError(
    'ERR_REFERENCE_INVALID',
    `bad image reference "${text.slice(0, 300)}": ${reason}`,
    {
      details: { reference: text },
      ...(hint === undefined ? {} : { hint }),
    },
  )
}
