// SPDX-License-Identifier: Apache-2.0
/** The flags of `convert`: those of nydusify 2.4, all of them known, and a few of ours. */
import type { Flag } from './flag.ts'

const LATER = 'it comes with a later version'
const MODELS = `sources are images whose blobs lie beside their manifests; other places and model artifacts: ${LATER}`

/** In the order of the help. */
export const CONVERT_FLAGS: readonly Flag[] = [
  {
    name: 'source',
    value: 'image',
    help: 'reference, oci:DIR[:tag], oci-archive:FILE or docker-archive:FILE',
  },
  { name: 'target', value: 'image', help: 'reference, oci:DIR[:tag] or oci-archive:FILE' },
  { name: 'target-suffix', value: 'suffix', help: 'target is the source with this behind its tag' },
  {
    name: 'source-archive',
    value: 'file',
    help: 'take the source from an OCI or docker archive; --source names it',
  },
  { name: 'target-archive', value: 'file', help: 'write the target to an OCI archive; --target names it' },
  { name: 'source-insecure', help: 'accept any certificate and plain HTTP from the source' },
  { name: 'target-insecure', help: 'accept any certificate and plain HTTP from the target' },
  { name: 'plain-http', help: 'speak plain HTTP to registries' },
  {
    name: 'platform',
    value: 'list',
    env: false,
    help: 'platforms to take from an index, e.g. linux/amd64,linux/arm64',
  },
  { name: 'all-platforms', env: false, help: 'take every platform of an index' },
  {
    name: 'merge-platform',
    aliases: ['multi-platform'],
    help: 'push an index with the original images beside the new ones',
  },
  { name: 'fs-version', value: 'version', default: '6', help: 'RAFS version, 5 or 6' },
  { name: 'compressor', value: 'name', default: 'zstd', help: 'none, lz4_block or zstd' },
  {
    name: 'fs-chunk-size',
    aliases: ['chunk-size'],
    value: 'bytes',
    default: '0x100000',
    help: 'a power of two from 0x1000 to 0x1000000',
  },
  { name: 'batch-size', value: 'bytes', default: '0', help: 'compress small files together up to this size' },
  { name: 'digester', value: 'name', default: 'blake3', env: false, help: 'blake3 or sha256' },
  { name: 'encrypt', env: false, help: 'encrypt blobs with a random key that the bootstrap holds' },
  {
    name: 'fs-align-chunk',
    aliases: ['backend-aligned-chunk'],
    help: 'start chunks of RAFS 5 at multiples of 4096; RAFS 6 always does',
  },
  { name: 'oci-ref', help: 'leave the data in the gzip layers of the source and only describe it (zran)' },
  {
    name: 'chunk-dict',
    value: 'dict',
    help: 'chunks not to store again: bootstrap:registry:IMAGE or bootstrap:local:FILE',
  },
  { name: 'chunk-dict-insecure', help: 'accept any certificate and plain HTTP for --chunk-dict' },
  { name: 'build-cache', value: 'image', help: 'take converted layers from this image and add new ones' },
  { name: 'build-cache-tag', value: 'tag', help: 'the same, with a tag in the repository of the target' },
  {
    name: 'build-cache-version',
    value: 'version',
    default: 'v1',
    help: 'records of other versions are ignored',
  },
  { name: 'build-cache-insecure', help: 'accept any certificate and plain HTTP for the build cache' },
  {
    name: 'build-cache-max-records',
    value: 'n',
    default: '200',
    help: 'layers a build cache keeps, 1 to 200',
  },
  { name: 'backend-type', value: 'type', help: 'put blobs elsewhere: localfs' },
  { name: 'backend-config', value: 'json', help: 'settings of the backend; localfs: {"dir": "/var/blobs"}' },
  { name: 'backend-config-file', value: 'file', help: 'the same, from a file' },
  { name: 'backend-force-push', help: 'write blobs although the backend has them' },
  { name: 'prefetch-dir', value: 'path', help: 'directory whose files are prefetched' },
  { name: 'prefetch-patterns', help: 'read paths to prefetch from the standard input, one a line' },
  { name: 'reverse', help: 'convert a Nydus image back to an OCI image' },
  { name: 'oci', help: 'write OCI media types for a docker image too' },
  { name: 'with-referrer', help: 'link the new manifest to the source manifest (subject)' },
  { name: 'work-dir', value: 'directory', help: 'place for temporary files (default ./tmp)' },
  {
    name: 'work-files',
    value: 'what',
    env: false,
    help: "keep or remove each layer's bootstrap and the metrics (default: keep in ./tmp, remove in a --work-dir)",
  },
  { name: 'without-trace', env: false, help: 'leave out the annotations of nydusify before 2.0' },
  {
    name: 'config',
    value: 'file',
    env: false,
    help: 'YAML or JSON with several images: {defaults: {FLAG: VALUE}, images: [{source, target, FLAG: VALUE}]}',
  },
  { name: 'output-json', value: 'file', help: 'write sizes and times to a file' },
  { name: 'push-retry-count', value: 'n', default: '3', help: 'retries of a failed push' },
  { name: 'push-retry-delay', value: 'duration', default: '5s', help: 'wait before the first retry' },
  {
    name: 'push-chunk-size',
    value: 'size',
    default: '0',
    env: false,
    help: 'upload blobs in pieces of this size',
  },
  { name: 'json', env: false, help: 'print the result as JSON on the standard output' },

  { name: 'nydus-image', value: 'path', help: '', note: 'the builder is built in, no other program is run' },
  {
    name: 'docker-v2-format',
    env: false,
    help: '',
    note: 'docker images keep their media types anyway; with it --oci does nothing',
  },
  { name: 'source-backend-type', value: 'type', env: false, help: '', unsupported: MODELS },
  { name: 'source-backend-config', value: 'json', env: false, help: '', unsupported: MODELS },
  {
    name: 'encrypt-recipients',
    value: 'list',
    env: false,
    help: '',
    unsupported: 'bootstraps cannot be encrypted for recipients; --encrypt encrypts the blobs',
  },
]
