// SPDX-License-Identifier: Apache-2.0
/** The subcommands; the table of one is loaded only when it is called. */
import type { ImageCommand } from './command-spec.ts'

/** A subcommand that is not loaded yet. */
export interface ListedCommand {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<ImageCommand>
}

/** In the order of the help. */
export const IMAGE_COMMANDS: readonly ListedCommand[] = [
  {
    name: 'create',
    summary: 'build a RAFS file system from a directory, a tar or a table of contents',
    load: async () => (await import('./commands/create-command.ts')).CREATE_COMMAND,
  },
  {
    name: 'chunkdict generate',
    summary: 'choose the chunks that images share and write a chunk dictionary',
    load: async () => (await import('./commands/chunkdict-command.ts')).CHUNKDICT_COMMAND,
  },
  {
    name: 'merge',
    summary: 'put the bootstraps of layers on top of each other',
    load: async () => (await import('./commands/merge-command.ts')).MERGE_COMMAND,
  },
  {
    name: 'check',
    summary: 'prove that a bootstrap is sound',
    load: async () => (await import('./commands/check-command.ts')).CHECK_COMMAND,
  },
  {
    name: 'optimize',
    summary: 'put the data that is read first into a blob of its own',
    load: async () => (await import('./commands/optimize-command.ts')).OPTIMIZE_COMMAND,
  },
  {
    name: 'export',
    summary: 'write an image as a raw disk',
    load: async () => (await import('./commands/export-command.ts')).EXPORT_COMMAND,
  },
  {
    name: 'inspect',
    summary: 'look into a bootstrap, by commands or by one request',
    load: async () => (await import('./commands/inspect-command.ts')).INSPECT_COMMAND,
  },
  {
    name: 'stat',
    summary: 'count files, chunks and what deduplication saves',
    load: async () => (await import('./commands/stat-command.ts')).STAT_COMMAND,
  },
  {
    name: 'compact',
    summary: 'rewrite blobs whose data is little used, join small ones',
    load: async () => (await import('./commands/compact-command.ts')).COMPACT_COMMAND,
  },
  {
    name: 'unpack',
    summary: 'write an image as a tar',
    load: async () => (await import('./commands/unpack-command.ts')).UNPACK_COMMAND,
  },
]
