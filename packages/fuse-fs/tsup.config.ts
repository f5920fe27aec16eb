import { defineNydusConfig } from '../../tsup.base.ts'

export default defineNydusConfig(['src/fuse-worker.ts', 'src/index.ts'])
