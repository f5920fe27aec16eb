// SPDX-License-Identifier: Apache-2.0
export { type CountingSource, countingSource, type SourceCounts } from './counting-source.ts'
export {
  type GoldenFixture,
  type GoldenImage,
  type Goldens,
  type GoldenTree,
  openGoldens,
  type Stored,
} from './golden.ts'
export { type SeededLayerOptions, seededLayer, seededMembers } from './layers/seeded-layer.ts'
export { SeededRandom } from './layers/seeded-random.ts'
export type { AuthOptions } from './registry/auth.ts'
export type { DirectAccess, Put } from './registry/direct-access.ts'
export type { Fault, FaultAction, FaultScript } from './registry/faults.ts'
export { type LayerSource, type PutImage, putImage } from './registry/put-image.ts'
export type { RequestKind, RequestLog } from './registry/request-log.ts'
export { type Certificate, selfSignedCertificate } from './registry/self-signed.ts'
export { type RegistryOptions, startRegistry, type TestRegistry } from './registry/start-registry.ts'
export { buildTar, TAR_END, type TarMember, tarMember } from './tar/build-tar.ts'
export { type CompareOptions, compareTrees, type TreeComparison } from './tree/compare-trees.ts'
export { type ScannedFile, scanTree } from './tree/scan-tree.ts'
