// SPDX-License-Identifier: Apache-2.0
export { EXIT_STATUS, exitStatusOf } from './exit-code.ts'
export {
  DigestError,
  describeError,
  type ErrorCode,
  FormatError,
  isNydusError,
  NydusError,
  type NydusErrorOptions,
} from './nydus-error.ts'
export { redact } from './redact.ts'
