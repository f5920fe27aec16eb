import { defineNydusConfig } from '../../tsup.base.ts'

export default defineNydusConfig(['src/index.ts', 'src/main.ts', 'src/nydus-image/main.ts'])
