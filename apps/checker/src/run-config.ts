// SPDX-License-Identifier: Apache-2.0

/**
 * Members of an image config's `config` that say how a container is started and that the OCI specification knows, in the
 * order of Go's `ocispec.ImageConfig`; the original drops all others.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
 */
export const RUN_CONFIG_MEMBERS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
] as const
