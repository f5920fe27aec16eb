// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { redact } from '../../src/error/index.ts'

describe('redact', () => {
  it.each([
    ['https://user:pa55@registry.example/v2/', 'https://***@registry.example/v2/'],
    ['https://tok@registry.example/', 'https://***@registry.example/'],
    [
      'GET https://s3.example/o?X-Amz-Signature=abc&part=1',
      'GET https://s3.example/o?X-Amz-Signature=***&part=1',
    ],
    ['https://a.example/?access_token=abc123&x=y', 'https://a.example/?access_token=***&x=y'],
    ['https://a.example/?n=1&AWSAccessKeyId=AKIA', 'https://a.example/?n=1&AWSAccessKeyId=***'],
    ['Authorization: Bearer eyJh.bGci-Oi_J9', 'Authorization: Bearer ***'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: Basic ***'],
    ['a\u001b[31mred\u0007\u009b0m', 'a?[31mred??0m'],
    ['two\nlines\tand a tab', 'two\nlines\tand a tab'],
    ['https://registry.example/v2/lib/app@sha256:ab', 'https://registry.example/v2/lib/app@sha256:ab'],
    ['mail@example.org', 'mail@example.org'],
  ])('%j', (text, expected) => expect(redact(text)).toBe(expected))
})
