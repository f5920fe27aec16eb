// SPDX-License-Identifier: Apache-2.0
/** Where our results differ from the recorded ones on purpose, and why. */

const LZ4 = 'the lz4 library finds other matches than the one of the original; both decode the same'
const ZSTD = 'this release of zstd finds other matches than the one of the original; both decode the same'
const LZ4_BLOB = { blob: LZ4, bootstrap: `${LZ4}, so the blob has another id` }
const HARD_LINK = {
  bootstrap:
    'the header of a hard link does not overwrite mode, owner and time of its target, as in an unpacked layer',
}

const VERITY = {
  verity:
    'pages of digests are filled up with zeros, which `veritysetup verify` demands; the original is refused by it',
}
const TARFS = {
  ...VERITY,
  stat: 'tarfs chunks have no digests: the original takes all of them for one and the same',
}

/** Fixture → what differs → reason. */
export const REPLAY_EXCEPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'mixed-tar-v5-lz4_block-blake3': LZ4_BLOB,
  'mixed-tar-v5-lz4_block-sha256': LZ4_BLOB,
  'mixed-tar-v5-lz4_block-sha256-0x1000000': LZ4_BLOB,
  'mixed-tar-v6-lz4_block-blake3': LZ4_BLOB,
  'mixed-tar-v6-lz4_block-sha256': LZ4_BLOB,
  'mixed-tar-v6-lz4_block-sha256-0x1000000': LZ4_BLOB,
  'mixed-dir-v5-lz4_block': LZ4_BLOB,
  'mixed-dir-v6-lz4_block': LZ4_BLOB,
  'layer1-v6-lz4': LZ4_BLOB,
  'mixed-v6-inline-toc': { blob: ZSTD },
  'mixed-v6-inline-toc-none': { blob: `${ZSTD} (the bootstrap inside is zstd even here)` },
  'mixed-v6-inline-toc-lz4-sha256': { blob: `${LZ4}; ${ZSTD}` },
  'mixed-zran-flush': { blob: `${ZSTD} (the contexts are the same)`, bootstrap: 'the digest of that blob' },
  'mixed-estargz-ref': {
    blob: 'the original starts contexts behind the end of a gzip member, where it cannot read them itself',
    bootstrap: 'the digest of that blob',
  },
  'mixed-v5-encrypt': {
    status: 'RAFS v5 has no place for the key, so nothing could ever read the image: refused',
  },
  'quirk-hardlink-meta-tar-v5': HARD_LINK,
  'quirk-hardlink-meta-tar-v6': HARD_LINK,
  'chunkdict-generate': { bootstrap: 'the only file is named chunkdict; the original names it /chunkdict' },
  'mixed-v6-tarfs': TARFS,
  'mixed-v6-tarfs-chunk': TARFS,
  'many-tarfs': TARFS,
  'names-tarfs': TARFS,
  'times-tarfs': TARFS,
  'gnu-tarfs': TARFS,
  'quirk-dup-tarfs': TARFS,
  'quirk-noparent-tarfs': TARFS,
  'export-mixed-tar-v6-none-sha256-verity': VERITY,
  'export-mixed-tar-v6-zstd-blake3-verity': VERITY,
  'export-mixed-tar-v6-lz4_block-sha256-verity': VERITY,
  'export-tiny-tar-v6-verity': VERITY,
  'export-layers-chain2-v6-verity': VERITY,
}
