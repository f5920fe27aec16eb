// SPDX-License-Identifier: Apache-2.0
export * from './blob-meta.ts'
export * from './chunk-info.ts'
export * from './erofs.ts'
export * from './tar.ts'
export * from './toc.ts'
export * from './v5.ts'
export * from './v6.ts'
