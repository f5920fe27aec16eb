import { defineNydusConfig } from '../../tsup.base.ts'

export default defineNydusConfig(['src/browser/index.ts', 'src/index.ts', 'src/layout/index.ts'])
