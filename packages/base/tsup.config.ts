import { defineNydusConfig } from '../../tsup.base.ts'

export default defineNydusConfig([
  'src/binary/index.ts',
  'src/cipher/index.ts',
  'src/compress/index.ts',
  'src/digest/index.ts',
  'src/error/index.ts',
])
