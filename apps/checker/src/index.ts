// SPDX-License-Identifier: Apache-2.0

// For tools that read Nydus images from stores.
export { type BootstrapLayer, readBootstrapLayer } from './bootstrap-layer.ts'
// For users: one call.
export { type CheckedDocuments, type CheckOptions, type CheckProgress, checkImage } from './check-image.ts'
export type { CheckReport, RuleOutcome } from './check-report.ts'
export { countBytes } from './count-bytes.ts'
export { type Finding, type FindingSink, formatFinding, type RuleName } from './finding.ts'
export { formatReport } from './format-report.ts'
// For programs.
export { guardOutput, type OutputGuard } from './guard-output.ts'
export {
  type ConfigDocument,
  type ImageChoice,
  type ImageDocuments,
  isNydusManifest,
  readConfig,
  readImageDocuments,
} from './image-documents.ts'
export { RUN_CONFIG_MEMBERS } from './run-config.ts'
export type { MountedTarget, MountTarget } from './target/mounted-tree.ts'
