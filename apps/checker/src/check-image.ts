// SPDX-License-Identifier: Apache-2.0
/** Is the Nydus image the same file system as its source? Needs neither root nor a mount. */
import { describeError, NydusError } from '@nydus/base/error'
import {
  type CredentialSource,
  dockerCredentials,
  formatPlatform,
  type ImageStore,
  openImageStore,
  type Platform,
  parsePlatform,
} from '@nydus/registry-client'
import { type BootstrapLayer, readBootstrapLayer } from './bootstrap-layer.ts'
import { checkContent } from './check-content.ts'
import { type CheckReport, FindingLog } from './check-report.ts'
import { isContentError } from './content-error.ts'
import type { FindingSink } from './finding.ts'
import { type ImageDocuments, isNydusManifest, readImageDocuments } from './image-documents.ts'
import { checkBootstrap } from './rules/bootstrap.ts'
import { checkManifests } from './rules/manifest.ts'
import type { MountTarget } from './target/mounted-tree.ts'

/** What is being done, for a progress display. */
export interface CheckProgress {
  /** Entries of the source's layers read so far. */
  readonly sourceEntries: number
  /** Bytes of the target's blobs read so far. */
  readonly blobBytes: number
}

/** What `checkImage` needs to know. */
export interface CheckOptions {
  /** The OCI image; without it only the target itself is checked. Any place `openImageStore` understands. */
  readonly source?: string
  /** The Nydus image. */
  readonly target: string
  /** Accept certificates that do not verify, and plain HTTP where HTTPS is not spoken. */
  readonly sourceInsecure?: boolean
  readonly targetInsecure?: boolean
  /** Speak plain HTTP to registries. */
  readonly plainHttp?: boolean
  /** Default: Docker's configuration and credential helpers. */
  readonly credentials?: CredentialSource
  /** Which image of an index, default `linux` on this machine's architecture. */
  readonly platform?: string
  /** Mounts the target, to compare through a real mount as well. Only with `source`. */
  readonly mountTarget?: MountTarget
  /** Called for every finding, also those the report leaves out. */
  readonly onFinding?: FindingSink
  readonly onProgress?: (progress: CheckProgress) => void
  /** Called with the documents and the bootstrap layer once they were read, for those who want to keep them. */
  readonly onDocuments?: (documents: CheckedDocuments) => void
  readonly signal?: AbortSignal
}

/** Documents of a check. */
export interface CheckedDocuments {
  readonly source: ImageDocuments | undefined
  readonly target: ImageDocuments
  readonly bootstrapLayer: BootstrapLayer | undefined
}

/**
 * Checks `target`, against `source` if it is given. Differences are findings in the report, not errors.
 * @throws {NydusError} when the check itself cannot be done: registry errors, ERR_IMAGE_NOT_NYDUS, ERR_IMAGE_IS_NYDUS, a
 *   damaged source; and the signal's reason.
 * @example const { passed } = await checkImage({ source: 'localhost:5000/app:1', target: 'localhost:5000/app:1-nydus' })
 */
export async function checkImage(options: CheckOptions): Promise<CheckReport> {
  const platform = parsePlatform(options.platform ?? `linux/${process.arch}`)
  const target = openImageStore(options.target, storeOptions(options, options.targetInsecure))
  const source =
    options.source === undefined
      ? undefined
      : openImageStore(options.source, storeOptions(options, options.sourceInsecure))
  try {
    return await checkStores(source, target, platform, options)
  } finally {
    await Promise.allSettled([source?.close(), target.close()])
  }
}

async function checkStores(
  sourceStore: ImageStore | undefined,
  targetStore: ImageStore,
  platform: Platform,
  options: CheckOptions,
): Promise<CheckReport> {
  const signal = options.signal === undefined ? {} : { signal: options.signal }
  const log = new FindingLog(options.onFinding)
  const source =
    sourceStore && (await readImageDocuments(sourceStore, { platform, prefer: 'oci', ...signal }))
  const target = await readImageDocuments(targetStore, {
    platform,
    prefer: 'nydus',
    onConfigFault: (message) => log.report({ rule: 'manifest', message }),
    ...signal,
  })
  checkKinds(source, target)

  const bootstrapLayer = await tryBootstrapLayer(target, log.report, options.signal)
  options.onDocuments?.({ source, target, bootstrapLayer })
  checkManifests({ source, target, bootstrapDiffId: bootstrapLayer?.diffId }, log.report)
  log.finish('manifest')
  const checked = bootstrapLayer && checkBootstrap(bootstrapLayer, target.manifest, log.report)
  log.finish('bootstrap')
  const counts = await checkContent({ source, target, checked, log, options })
  return {
    ...(source === undefined ? {} : { source: nameOf(source) }),
    target: nameOf(target),
    platform: formatPlatform(platform),
    passed: log.count === 0,
    rules: log.outcomes,
    findings: log.findings,
    findingCount: log.count,
    ...counts,
  }
}

function checkKinds(source: ImageDocuments | undefined, target: ImageDocuments): void {
  if (target.kind !== 'nydus') {
    throw new NydusError('ERR_IMAGE_NOT_NYDUS', `${target.store.reference} is not a Nydus image`, {
      hint: 'convert it first; the original image belongs to --source',
    })
  }
  if (source?.kind === 'nydus') {
    throw new NydusError('ERR_IMAGE_IS_NYDUS', `${source.store.reference} is a Nydus image`, {
      hint: 'give the image that it was converted from',
    })
  }
}

async function tryBootstrapLayer(
  target: ImageDocuments,
  report: FindingSink,
  signal: AbortSignal | undefined,
): Promise<BootstrapLayer | undefined> {
  const descriptor = target.manifest.layers.at(-1)
  if (descriptor === undefined || !isNydusManifest(target.manifest)) return undefined // the manifest rule says so
  try {
    return await readBootstrapLayer(target.store, descriptor, signal)
  } catch (error) {
    if (!isContentError(error)) throw error
    report({ rule: 'bootstrap', message: `bootstrap layer ${descriptor.digest}: ${describeError(error)}` })
    return undefined
  }
}

function storeOptions(options: CheckOptions, insecure: boolean | undefined) {
  return {
    insecure: insecure ?? false,
    plainHttp: options.plainHttp ?? false,
    credentials: options.credentials ?? dockerCredentials({}),
  }
}

function nameOf(image: ImageDocuments): { reference: string; digest: string } {
  return { reference: image.store.reference, digest: image.descriptor.digest }
}
