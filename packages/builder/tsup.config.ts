import { defineNydusConfig } from '../../tsup.base.ts'

export default defineNydusConfig(['src/chunk-worker.ts', 'src/index.ts'])
