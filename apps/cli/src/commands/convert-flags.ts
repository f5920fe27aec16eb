// SPDX-License-Identifier: Apache-2.0
/** The flags of `convert`: those of nydusify 2.4, all of them known, and a few of ours. */
import type { Flag } from './flag.ts'

const LATER = 'it comes with a later version'
const BACKEND = `blobs go to the registry or layout of the target; other places for them come with a later version`

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
  { name: 'fs-version', value: 'version', default: '6', help: 'RAFS version, 6' },
  { name: 'compressor', value: 'name', default: 'zstd', help: 'none, lz4_block or zstd' },
  {
    name: 'fs-chunk-size',
    aliases: ['chunk-size'],
    value: 'bytes',
    default: '0x100000',
    help: 'a power of two from 0x1000 to 0x1000000',
  },
  { name: 'prefetch-dir', value: 'path', help: 'directory whose files are prefetched' },
  { name: 'prefetch-patterns', help: 'read paths to prefetch from the standard input, one a line' },
  { name: 'oci', help: 'write OCI media types for a docker image too' },
  { name: 'with-referrer', help: 'link the new manifest to the source manifest (subject)' },
  { name: 'work-dir', value: 'directory', default: './tmp', help: 'place for temporary files' },
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
    name: 'fs-align-chunk',
    aliases: ['backend-aligned-chunk'],
    help: '',
    note: 'chunks of RAFS 6 are always aligned',
  },
  { name: 'docker-v2-format', env: false, help: '', note: 'docker images keep their media types anyway' },

  { name: 'oci-ref', help: '', unsupported: `references into the original layers (zran): ${LATER}` },
  {
    name: 'batch-size',
    value: 'bytes',
    help: '',
    harmless: ['', '0', '0x0'],
    unsupported: `batches of small chunks: ${LATER}`,
  },
  { name: 'chunk-dict', value: 'dict', help: '', unsupported: `chunk dictionaries: ${LATER}` },
  { name: 'chunk-dict-insecure', help: '', unsupported: `chunk dictionaries: ${LATER}` },
  { name: 'build-cache', value: 'image', help: '', unsupported: `build caches: ${LATER}` },
  { name: 'build-cache-tag', value: 'tag', help: '', unsupported: `build caches: ${LATER}` },
  {
    name: 'build-cache-version',
    value: 'version',
    help: '',
    harmless: ['', 'v1'],
    unsupported: `build caches: ${LATER}`,
  },
  { name: 'build-cache-insecure', help: '', unsupported: `build caches: ${LATER}` },
  {
    name: 'build-cache-max-records',
    value: 'n',
    help: '',
    harmless: ['', '200'],
    unsupported: `build caches: ${LATER}`,
  },
  {
    name: 'merge-platform',
    aliases: ['multi-platform'],
    help: '',
    unsupported: `an index with the original and the new manifests: ${LATER}`,
  },
  { name: 'reverse', help: '', unsupported: `conversion from Nydus to OCI: ${LATER}` },
  { name: 'backend-type', value: 'type', help: '', unsupported: BACKEND },
  { name: 'backend-config', value: 'json', help: '', unsupported: BACKEND },
  { name: 'backend-config-file', value: 'file', help: '', unsupported: BACKEND },
  { name: 'backend-force-push', help: '', unsupported: BACKEND },
  { name: 'source-backend-type', value: 'type', env: 'BACKEND_TYPE', help: '', unsupported: BACKEND },
  { name: 'source-backend-config', value: 'json', env: 'BACKEND_CONFIG', help: '', unsupported: BACKEND },
  {
    name: 'encrypt-recipients',
    value: 'list',
    env: false,
    help: '',
    unsupported: `encrypted images: ${LATER}`,
  },
]
