// SPDX-License-Identifier: Apache-2.0
/** Flags that several subcommands have. */
import type { ImageFlag, ImageOperand } from '../command-spec.ts'

export const CHUNK_DICT_FLAG: ImageFlag = {
  name: 'chunk-dict',
  help: 'bootstrap of a chunk dictionary, as [bootstrap=]PATH',
}

export const PREFETCH_POLICY_FLAG: ImageFlag = {
  name: 'prefetch-policy',
  help: 'what is marked for being fetched first; the paths are read from the standard input, one a line',
  default: 'none',
  choices: ['fs', 'blob', 'none'],
}

export const OUTPUT_JSON_FLAG: ImageFlag = {
  name: 'output-json',
  short: 'J',
  help: 'file for the result as JSON',
}

export const CONFIG_FLAG: ImageFlag = {
  name: 'config',
  short: 'C',
  help: 'configuration file (version 2) that says where blobs are',
}

export const DIGESTER_FLAG: ImageFlag = {
  name: 'digester',
  help: 'digest of chunks',
  default: 'blake3',
  choices: ['blake3', 'sha256'],
}

/** The bootstrap to read, as an operand or, as before, by a flag. */
export const BOOTSTRAP_OPERAND: ImageOperand = {
  name: 'BOOTSTRAP',
  help: 'the bootstrap',
  required: ['bootstrap'],
}

export const BOOTSTRAP_FLAG: ImageFlag = {
  name: 'bootstrap',
  short: 'B',
  help: 'the bootstrap (older form of the operand)',
  conflicts: ['BOOTSTRAP'],
}

/** Blobs in a directory, for commands that take a configuration file as well. */
export const LOCAL_BLOBS_FLAG: ImageFlag = {
  name: 'blob-dir',
  short: 'D',
  help: 'directory with the blobs, each named by its id',
  conflicts: ['config'],
}

/** Blobs of a remote backend. */
export const BACKEND_FLAGS: readonly ImageFlag[] = [
  { name: 'backend-type', help: 'backend that has the blobs: registry, oss, s3, http-proxy or localdisk' },
  { name: 'backend-config', help: 'configuration of the backend, as JSON' },
  {
    name: 'backend-config-file',
    help: 'file with the configuration of the backend',
    conflicts: ['backend-config'],
  },
]
