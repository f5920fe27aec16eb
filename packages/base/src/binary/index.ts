// SPDX-License-Identifier: Apache-2.0
export { ByteReader } from './byte-reader.ts'
export { compareBytes, equalBytes } from './compare.ts'
export { crc32c } from './crc32c.ts'
export { bytes, cstring, type Field, i64, reserved, u8, u16, u32, u64, u64flags } from './fields.ts'
export { alignUp, type ByteRange, checkRange, isPowerOfTwo } from './range.ts'
export { shareBytes } from './share-bytes.ts'
export { defineStruct, type Struct, type StructFields, type StructValue } from './struct.ts'
