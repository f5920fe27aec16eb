// SPDX-License-Identifier: Apache-2.0
/** Removes credentials and control characters from text that goes into messages and logs. */

const SECRET_QUERY =
  /([?&](?:[^=&\s]*(?:token|secret|signature|password|credential|accesskey)[^=&\s]*)=)[^&\s"]*/gi
const USER_INFO = /(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi
const AUTH_HEADER = /\b(Basic|Bearer)\s+[A-Za-z0-9+/=._~-]+/g

/** `text` without user info in URLs, secret query values, Authorization values and control characters. */
export function redact(text: string): string {
  return (
    text
      .replace(USER_INFO, '$1***@')
      .replace(SECRET_QUERY, '$1***')
      .replace(AUTH_HEADER, '$1 ***')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose
      .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?')
  )
}
