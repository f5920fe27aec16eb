// SPDX-License-Identifier: Apache-2.0

/** The Authorization value of HTTP Basic. https://www.rfc-editor.org/rfc/rfc7617 */
export function basicAuthorization(credentials: {
  readonly username: string
  readonly password: string
}): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64')}`
}
