// SPDX-License-Identifier: Apache-2.0
/** All commands as data: parser, help and shell completion come from this table. What a command needs is loaded when it runs. */
import { CHECK_FLAGS, MOUNT_FLAGS } from './check-flags.ts'
import { CHUNKDICT_FLAGS } from './chunkdict-flags.ts'
import { runCommit } from './commit.ts'
import { COMMIT_FLAGS } from './commit-flags.ts'
import { runCompletion } from './completion.ts'
import type { CommandContext } from './context.ts'
import { CONVERT_FLAGS } from './convert-flags.ts'
import { COPY_FLAGS } from './copy-flags.ts'
import { DOCTOR_FLAGS } from './doctor-flags.ts'
import type { Flag, FlagValues } from './flag.ts'
import { INSPECT_FLAGS } from './inspect-flags.ts'
import { OPTIMIZE_FLAGS } from './optimize-flags.ts'
import { PACK_FLAGS } from './pack-flags.ts'

/** Headings of the help. */
const GROUPS = {
  make: 'Make images:',
  use: 'Look into and use images:',
  setup: 'This machine:',
} as const

/** One command. */
export interface CommandSpec {
  readonly name: string
  readonly alias?: string
  /** Heading in the help. */
  readonly group: string
  /** Operands, as commander writes them. */
  readonly operands?: string
  /** Words that may be the first operand, for completion. */
  readonly verbs?: readonly string[]
  readonly help: string
  /** Shown behind the flags; `nydus` stands for the name it was called with. */
  readonly examples: readonly string[]
  readonly flags: readonly Flag[]
  readonly run: (flags: FlagValues, context: CommandContext, operands: readonly string[]) => Promise<number>
}

/** In the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'convert',
    group: GROUPS.make,
    help: 'convert an OCI image to a Nydus image',
    examples: [
      'nydus convert --source localhost:5000/app:1 --target localhost:5000/app:1-nydus --plain-http',
      'nydus convert --source registry.example.com/app:1 --target-suffix -nydus --platform linux/arm64',
      'nydus convert --source docker-archive:app.tar --target oci:images:app-nydus',
    ],
    flags: CONVERT_FLAGS,
    run: async (flags, context) => (await import('./convert.ts')).runConvert(flags, context),
  },
  {
    name: 'copy',
    group: GROUPS.make,
    help: 'copy an image between registries, layouts and archives; only what is missing travels',
    examples: [
      'nydus copy --source registry-a.example.com/app:1 --target registry-b.example.com/app:1 --all-platforms',
      'nydus copy --source localhost:5000/app:1-nydus --target file://app.tar --plain-http',
    ],
    flags: COPY_FLAGS,
    run: async (flags, context) => (await import('./copy.ts')).runCopy(flags, context),
  },
  {
    name: 'build',
    alias: 'pack',
    group: GROUPS.make,
    help: 'build a bootstrap and a blob from a directory, in local files',
    examples: [
      'nydus build --source-dir rootfs --name app --output-dir out',
      'nydus pack --source-dir upper --name app2 --parent-bootstrap out/app.meta --output-dir out',
    ],
    flags: PACK_FLAGS,
    run: async (flags, context) => (await import('./pack.ts')).runPack(flags, context),
  },
  {
    name: 'optimize',
    group: GROUPS.make,
    help: 'put what a container reads first into one blob that is fetched as a stream',
    examples: [
      'nydus optimize --source app:1-nydus --target app:1-fast --prefetch-files trace.json',
      'printf "/bin/sh\\n/etc/passwd\\n" | nydus optimize --source app:1-nydus --target app:1-fast --prefetch-files -',
    ],
    flags: OPTIMIZE_FLAGS,
    run: async (flags, context) => (await import('./optimize.ts')).runOptimize(flags, context),
  },
  {
    name: 'chunkdict',
    group: GROUPS.make,
    operands: '[generate]',
    verbs: ['generate'],
    help: 'chunkdict generate: learn from images which chunks a new image need not store',
    examples: [
      'nydus chunkdict generate --sources redis:7.0-nydus,redis:7.2-nydus,redis:7.4-nydus --target redis:dict',
    ],
    flags: CHUNKDICT_FLAGS,
    run: async (...world) => (await import('./chunkdict.ts')).runChunkDict(...world),
  },
  {
    name: 'commit',
    group: GROUPS.make,
    help: 'not supported: needs the API of containerd',
    examples: [],
    flags: COMMIT_FLAGS,
    run: runCommit,
  },
  {
    name: 'check',
    group: GROUPS.use,
    help: 'prove that a Nydus image equals its source',
    examples: [
      'nydus check --source localhost:5000/app:1 --target localhost:5000/app:1-nydus --plain-http',
      'nydus check --target oci:images:app-nydus',
    ],
    flags: CHECK_FLAGS,
    run: async (flags, context) => (await import('./check.ts')).runCheck(flags, context),
  },
  {
    name: 'inspect',
    group: GROUPS.use,
    operands: '[verb-and-images...]',
    verbs: ['ls', 'cat', 'du', 'diff'],
    help: 'look into an image without downloading it: inspect IMAGE, or inspect ls, cat, du, diff',
    examples: [
      'nydus inspect localhost:5000/app:1-nydus --plain-http',
      'nydus inspect ls oci:images:app-nydus /usr/bin',
      'nydus inspect cat localhost:5000/app:1-nydus /etc/os-release --plain-http',
      'nydus inspect du localhost:5000/app:1-nydus / --depth 2 --plain-http',
      'nydus inspect diff app:1-nydus app:2-nydus',
    ],
    flags: INSPECT_FLAGS,
    run: async (...world) => (await import('./inspect.ts')).runInspect(...world),
  },
  {
    name: 'mount',
    group: GROUPS.use,
    alias: 'view',
    operands: '[image-and-directory...]',
    help: 'mount a Nydus image without downloading it: nydus mount IMAGE DIR',
    examples: [
      'nydus mount localhost:5000/app:1-nydus /mnt --plain-http    # until Ctrl-C',
      'nydus mount oci:images:app-nydus /mnt --cache-dir /var/cache/nydus',
    ],
    flags: MOUNT_FLAGS,
    run: async (...world) => (await import('./mount.ts')).runMount(...world),
  },
  {
    name: 'doctor',
    group: GROUPS.setup,
    operands: '[registries-and-images...]',
    help: 'tell what works here: kernel, FUSE, permissions, registries, and which data plane mounts get',
    examples: ['nydus doctor', 'nydus doctor localhost:5000 localhost:5000/app:1-nydus --plain-http'],
    flags: DOCTOR_FLAGS,
    run: async (...world) => (await import('./doctor.ts')).runDoctor(...world),
  },
  {
    name: 'completion',
    group: GROUPS.setup,
    operands: '[shell]',
    verbs: ['bash', 'zsh', 'fish'],
    help: 'print a completion script for bash, zsh or fish',
    examples: ['source <(nydus completion bash)', 'nydus completion fish | source'],
    flags: [],
    run: (_flags, context, operands) => runCompletion(COMMANDS, context, operands),
  },
]
