// SPDX-License-Identifier: Apache-2.0
/** The rules that look at content: the target's blobs, the source's layers, and both together. */
import { isNydusError } from '@nydus/base/error'
import type { CheckOptions, CheckProgress } from './check-image.ts'
import type { CheckReport, FindingLog } from './check-report.ts'
import { compareTrees } from './compare-trees.ts'
import type { FindingSink } from './finding.ts'
import type { ImageDocuments } from './image-documents.ts'
import { type BlobProofs, checkBlobs } from './rules/blob.ts'
import type { CheckedBootstrap } from './rules/bootstrap.ts'
import { checkFilesystem, readSourceTree, reportDamagedFiles } from './rules/filesystem.ts'
import type { SourceNode } from './source/source-node.ts'
import { type MountTarget, openMountedTree } from './target/mounted-tree.ts'

/** What was looked at. */
export type ContentCounts = Pick<CheckReport, 'pathCount' | 'fileCount' | 'chunkCount' | 'blobBytes'>

/** What the rules about content work with. */
export interface ContentCheck {
  readonly source: ImageDocuments | undefined
  readonly target: ImageDocuments
  /** Undefined when the bootstrap cannot be opened. */
  readonly checked: CheckedBootstrap | undefined
  readonly log: FindingLog
  readonly options: Pick<CheckOptions, 'onProgress' | 'mountTarget' | 'signal'>
}

/** Runs the blob rule, the file system rule and, when a mount is offered, the mount rule. */
export async function checkContent(check: ContentCheck): Promise<ContentCounts> {
  const { checked, log, options } = check
  if (checked === undefined) {
    for (const rule of ['blob', 'filesystem'] as const) log.skip(rule, 'the bootstrap cannot be opened')
    return { pathCount: 0, fileCount: 0, chunkCount: 0, blobBytes: 0 }
  }
  const { proofs, tree } = await readBothSides(check, checked)
  const { bootstrap } = checked
  const content = { chunkCount: proofs.goodChunkCount, blobBytes: proofs.byteCount }
  if (tree === undefined) {
    await guardFormat(log.report, () => {
      if (proofs.hasFaults) reportDamagedFiles(bootstrap, proofs.chunkFault, log.report)
    })
    log.finish('blob')
    log.skip('filesystem', 'no source was given')
    return { ...content, pathCount: 0, fileCount: 0 }
  }
  log.finish('blob')
  const counts = await guardFormat(log.report, () =>
    checkFilesystem(tree, bootstrap, proofs.chunkFault, log.report, options.signal),
  )
  log.finish('filesystem')
  if (options.mountTarget !== undefined) {
    await compareMounted(tree, checked, options.mountTarget, log, options.signal)
  }
  return { ...content, pathCount: counts?.pathCount ?? 0, fileCount: counts?.fileCount ?? 0 }
}

/** Reads the blobs and the source's layers at the same time; each waits for the network while the other computes. */
async function readBothSides(
  { source, target, log, options }: ContentCheck,
  checked: CheckedBootstrap,
): Promise<{ proofs: BlobProofs; tree: SourceNode | undefined }> {
  const abort = new AbortController()
  const signal = options.signal === undefined ? abort.signal : AbortSignal.any([options.signal, abort.signal])
  const progress = { sourceEntries: 0, blobBytes: 0 }
  const notify = (change: Partial<CheckProgress>) => options.onProgress?.(Object.assign(progress, change))
  const tasks = [
    checkBlobs(
      {
        store: target.store,
        manifest: target.manifest,
        checked,
        signal,
        onProgress: (blobBytes) => notify({ blobBytes }),
      },
      log.report,
    ),
    source === undefined
      ? Promise.resolve(undefined)
      : readSourceTree(source.store, source.manifest, {
          scheme: checked.bootstrap,
          signal,
          onProgress: (sourceEntries) => notify({ sourceEntries }),
        }),
  ] as const
  try {
    const [proofs, tree] = await Promise.all(tasks)
    return { proofs, tree }
  } catch (error) {
    abort.abort(error)
    await Promise.allSettled(tasks)
    throw options.signal?.aborted ? options.signal.reason : error
  }
}

async function compareMounted(
  tree: SourceNode,
  checked: CheckedBootstrap,
  mountTarget: MountTarget,
  log: FindingLog,
  signal: AbortSignal | undefined,
): Promise<void> {
  const mounted = await mountTarget()
  try {
    await compareTrees(tree, openMountedTree(mounted, checked.bootstrap), {
      rule: 'mount',
      report: log.report,
      signal,
    })
    log.finish('mount')
  } finally {
    await mounted.close()
  }
}

/** A bootstrap that breaks while it is walked is a finding. */
async function guardFormat<T>(report: FindingSink, task: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await task()
  } catch (error) {
    if (!isNydusError(error) || !error.code.startsWith('ERR_FORMAT_')) throw error
    report({ rule: 'filesystem', message: `the bootstrap cannot be walked: ${error.message}` })
    return undefined
  }
}
