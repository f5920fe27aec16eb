// SPDX-License-Identifier: Apache-2.0
/** The two stores of a command that writes an image out of another one, opened and closed together. */
import { dockerCredentials, type ImageStore, openImageStore } from '@nydus/registry-client'
import type { RetryPolicy } from '../convert/retry.ts'
import { BUILDER_VERSION } from '../version.ts'
import type { CopyListener, TransferOptions } from './copy-options.ts'
import { sourceText, targetText } from './image-text.ts'

/** An open transfer. */
export interface Transfer {
  readonly source: ImageStore
  readonly target: ImageStore
  readonly retry: RetryPolicy
  /** Bytes, 0 for uploads in one request. */
  readonly pushChunkBytes: number
  readonly onEvent: CopyListener
  /** Fires on the caller's abort, and when any part fails. */
  readonly signal: AbortSignal
  /** Stops the other parts. */
  readonly abort: (reason: unknown) => void
}

const DEFAULT_RETRIES = 3
const DEFAULT_RETRY_DELAY_MS = 5000

/**
 * Opens both stores, runs `task` and closes them; an archive appears only when the task is done.
 * @throws the first failure of all parts, or the reason of the caller's abort.
 */
export async function withTransfer<T>(
  options: TransferOptions,
  task: (transfer: Transfer) => Promise<T>,
): Promise<T> {
  options.signal?.throwIfAborted()
  const controller = new AbortController()
  const abort = (reason: unknown) => controller.abort(reason)
  const stop = () => abort(options.signal?.reason)
  options.signal?.addEventListener('abort', stop, { once: true })
  const { source, target } = await openBoth(options)
  try {
    const result = await task(transferOf(options, source, target, controller.signal, abort))
    await target.close()
    return result
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    options.signal?.removeEventListener('abort', stop)
    controller.abort()
    await Promise.allSettled([source.close(), target.close()])
  }
}

async function openBoth(options: TransferOptions): Promise<{ source: ImageStore; target: ImageStore }> {
  const storeOptions = (insecure: boolean | undefined) => ({
    insecure: insecure ?? false,
    plainHttp: options.plainHttp ?? false,
    credentials: options.credentials ?? dockerCredentials({}),
    userAgent: BUILDER_VERSION,
  })
  const sourceName = await sourceText(options.source)
  const target = openImageStore(targetText(options.target), storeOptions(options.targetInsecure))
  return { source: openImageStore(sourceName, storeOptions(options.sourceInsecure)), target }
}

function transferOf(
  options: TransferOptions,
  source: ImageStore,
  target: ImageStore,
  signal: AbortSignal,
  abort: (reason: unknown) => void,
): Transfer {
  const onEvent = options.onEvent ?? (() => undefined)
  return {
    source,
    target,
    signal,
    abort,
    onEvent,
    pushChunkBytes: options.pushChunkBytes ?? 0,
    retry: {
      count: options.pushRetryCount ?? DEFAULT_RETRIES,
      delayMs: options.pushRetryDelayMs ?? DEFAULT_RETRY_DELAY_MS,
      signal,
      onRetry: (message) => onEvent({ type: 'retry', message }),
    },
  }
}
