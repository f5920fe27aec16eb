// SPDX-License-Identifier: Apache-2.0
/** `nydus inspect`: looks into an image without mounting or downloading it. */
import { compareImages, type PathDifference, sharedContent } from '../inspect/compare-images.ts'
import { diskUsage } from '../inspect/disk-usage.ts'
import { findPath } from '../inspect/find-path.ts'
import { inspectImage } from '../inspect/image-report.ts'
import { formatListed } from '../inspect/listing-text.ts'
import { readFile } from '../inspect/read-file.ts'
import { type NydusImage, openNydusImage, type RemoteImageOptions } from '../inspect/remote-image.ts'
import {
  formatDifference,
  formatImageReport,
  formatShared,
  formatUsedSpace,
  USED_SPACE_HEADER,
} from '../inspect/report-text.ts'
import { listPath } from '../inspect/tree-listing.ts'
import { backendOf } from './backend-flag.ts'
import type { CommandContext } from './context.ts'
import { type FlagValues, numberFlag } from './flag.ts'

import { usage } from './usage.ts'
import { writeBytes } from './write-bytes.ts'

/** What one verb gets. */
interface Request {
  readonly flags: FlagValues
  readonly context: CommandContext
  /** Without the image's name. */
  readonly options: Omit<RemoteImageOptions, 'image'>
  /** Without the verb. */
  readonly operands: readonly string[]
}

interface Verb {
  /** How it is written, for the hint. */
  readonly form: string
  /** Least and most operands. */
  readonly operands: readonly [number, number]
  readonly run: (request: Request) => Promise<number>
}

const VERBS: Readonly<Record<string, Verb>> = {
  ls: { form: 'nydus inspect ls IMAGE [PATH]', operands: [1, 2], run: runList },
  cat: { form: 'nydus inspect cat IMAGE FILE...', operands: [2, Number.POSITIVE_INFINITY], run: runCat },
  du: { form: 'nydus inspect du IMAGE [PATH]', operands: [1, 2], run: runUsage },
  diff: { form: 'nydus inspect diff IMAGE IMAGE', operands: [2, 2], run: runDiff },
}
const SUMMARY: Verb = { form: 'nydus inspect IMAGE', operands: [1, 1], run: runSummary }
const STATUS_DIFFERENT = 1

/** Runs the command. @returns the exit status: 1 when `diff` found a difference. */
export async function runInspect(
  flags: FlagValues,
  context: CommandContext,
  operands: readonly string[],
): Promise<number> {
  const [first = ''] = operands
  // An image may have the name of a verb: then it stands alone.
  const verb = operands.length > 1 && Object.hasOwn(VERBS, first) ? VERBS[first] : undefined
  const { form, operands: bounds, run } = verb ?? SUMMARY
  const rest = verb === undefined ? operands : operands.slice(1)
  if (rest.length < bounds[0] || rest.length > bounds[1]) {
    throw usage(`${rest.length} operands: expected ${form}`, otherForms())
  }
  const options = {
    insecure: flags.isSet('insecure'),
    plainHttp: flags.isSet('plain-http'),
    platform: flags.text('platform'),
    backend: backendOf(flags, ''),
    signal: context.signal,
  }
  return await run({ flags, context, options, operands: rest })
}

function otherForms(): string {
  return Object.values({ SUMMARY, ...VERBS })
    .map(({ form }) => form)
    .join(', ')
}

async function runSummary({ flags, context, options, operands }: Request): Promise<number> {
  const [image = ''] = operands
  const report = await inspectImage({ ...options, image })
  context.stdout.write(`${flags.isSet('json') ? JSON.stringify(report) : formatImageReport(report)}\n`)
  return 0
}

async function runList({ flags, context, options, operands }: Request): Promise<number> {
  const [image = '', path = '/'] = operands
  await withImage({ ...options, image }, ({ bootstrap }) => {
    // A link to a directory means the directory only with a slash behind it, as for `ls -l`.
    const found = findPath(bootstrap, path, path.endsWith('/') ? 'follow' : 'keep')
    const format = flags.isSet('json') ? JSON.stringify : formatListed
    for (const entry of listPath(bootstrap, found, flags.isSet('recursive'))) {
      context.stdout.write(`${format(entry)}\n`)
    }
  })
  return 0
}

async function runCat({ context, options, operands }: Request): Promise<number> {
  const [image = '', ...paths] = operands
  await withImage({ ...options, image }, async (opened) => {
    // All paths are found before anything is written.
    for (const found of paths.map((path) => findPath(opened.bootstrap, path))) {
      for await (const bytes of readFile(opened, found, context.signal)) {
        if (!(await writeBytes(context.stdout, bytes))) return
      }
    }
  })
  return 0
}

async function runUsage({ flags, context, options, operands }: Request): Promise<number> {
  const [image = '', path = '/'] = operands
  const depth = numberFlag('depth', flags.text('depth') ?? '1')
  await withImage({ ...options, image }, ({ bootstrap }) => {
    const used = diskUsage(bootstrap, findPath(bootstrap, path), depth)
    if (flags.isSet('json')) for (const entry of used) context.stdout.write(`${JSON.stringify(entry)}\n`)
    else context.stdout.write(`${[USED_SPACE_HEADER, ...used.map(formatUsedSpace)].join('\n')}\n`)
  })
  return 0
}

async function runDiff({ flags, context, options, operands }: Request): Promise<number> {
  const [one = '', other = ''] = operands
  const differences: PathDifference[] = []
  await withImage({ ...options, image: one }, (first) =>
    withImage({ ...options, image: other }, async (second) => {
      const isJson = flags.isSet('json')
      for await (const difference of compareImages(first, second, context.signal)) {
        differences.push(difference)
        if (!isJson) context.stdout.write(`${formatDifference(difference)}\n`)
      }
      const shared = sharedContent(first, second)
      const text = isJson
        ? JSON.stringify({ first: first.reference, second: second.reference, shared, differences })
        : formatShared(shared, differences.length)
      context.stdout.write(`${text}\n`)
    }),
  )
  return differences.length === 0 ? 0 : STATUS_DIFFERENT
}

async function withImage(
  options: RemoteImageOptions,
  use: (image: NydusImage) => void | Promise<void>,
): Promise<void> {
  const image = await openNydusImage(options)
  try {
    await use(image)
  } finally {
    await image.close()
  }
}
