// SPDX-License-Identifier: Apache-2.0
/** WWW-Authenticate headers. https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1 */

/** One challenge: scheme in lower case, parameter names in lower case. */
export interface Challenge {
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string>>
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const MAX_HEADER_LENGTH = 16 << 10

/**
 * Parses all challenges of a header; several may share one, separated by commas like their parameters.
 * What cannot be understood ends the list: a registry's odd header is no reason to fail before trying.
 */
export function parseChallenges(value: string): Challenge[] {
  const challenges: Challenge[] = []
  let at = 0
  let parameters: Record<string, string> = {}

  function skip(characters: string): void {
    while (at < value.length && characters.includes(value.charAt(at))) at++
  }
  function token(): string | undefined {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(value)?.[0]
    at += found?.length ?? 0
    return found
  }

  while (at < Math.min(value.length, MAX_HEADER_LENGTH)) {
    skip(' \t,')
    const word = token()
    if (word === undefined) break
    skip(' \t')
    if (value.charAt(at) !== '=' || challenges.length === 0) {
      parameters = {}
      challenges.push({ scheme: word.toLowerCase(), parameters })
      continue
    }
    at++
    skip(' \t')
    const quoted = value.charAt(at) === '"' ? quotedString(value, at) : undefined
    const found = quoted?.text ?? token()
    if (found === undefined) break
    if (quoted !== undefined) at = quoted.end
    parameters[word.toLowerCase()] = found
  }
  return challenges
}

/** The challenge the client answers: Bearer before Basic, nothing else. */
export function chooseChallenge(value: string | undefined): Challenge | undefined {
  const challenges = value === undefined ? [] : parseChallenges(value)
  return (
    challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm !== undefined) ??
    challenges.find(({ scheme }) => scheme === 'basic')
  )
}

function quotedString(value: string, start: number): { text: string; end: number } | undefined {
  let text = ''
  for (let at = start + 1; at < value.length; at++) {
    const character = value.charAt(at)
    if (character === '"') return { text, end: at + 1 }
    text += character === '\\' ? value.charAt(++at) : character
  }
  return undefined
}
