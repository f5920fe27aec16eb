// SPDX-License-Identifier: Apache-2.0
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { askCredentialHelper } from '../../src/credentials/credential-helper.ts'
import { dockerCredentials } from '../../src/index.ts'
import { failureOf, inDirectory } from '../support/content.ts'

const pathBefore = process.env.PATH
afterEach(() => {
  process.env.PATH = pathBefore
})

/** Puts `docker-credential-test`, a shell script, on PATH. */
function withHelper<T>(script: string, work: (directory: string) => Promise<T>): Promise<T> {
  return inDirectory(async (directory) => {
    const file = join(directory, 'docker-credential-test')
    await writeFile(file, `#!/bin/sh\n${script}\n`)
    await chmod(file, 0o755)
    process.env.PATH = `${directory}:${pathBefore}`
    return work(directory)
  })
}
const ask = (deadlineMs = 20_000, signal?: AbortSignal) =>
  askCredentialHelper('test', 'r.io', { deadlineMs, signal })

describe.skipIf(process.platform === 'win32')('askCredentialHelper', () => {
  it('gives the registry on stdin and reads the secret', () =>
    withHelper(`read server; echo "{\\"Username\\":\\"$1 $server\\",\\"Secret\\":\\"s\\"}"`, async () => {
      expect(await ask()).toEqual({ kind: 'password', username: 'get r.io', password: 's' })
    }))

  it('knows refresh tokens', () =>
    withHelper(`echo '{"Username":"<token>","Secret":"s"}'`, async () => {
      expect(await ask()).toEqual({ kind: 'identity-token', identityToken: 's' })
    }))

  it('has nothing when the helper says so', () =>
    withHelper('echo "credentials not found in native keychain"; exit 1', async () => {
      expect(await ask()).toBeUndefined()
    }))

  it.each([
    ['a failure', 'echo "keychain is locked" >&2; exit 3', 'status 3: keychain is locked'],
    ['no JSON', 'echo hello', 'is not JSON'],
    ['no secret', `echo '{"Username":"a"}'`, 'has no secret'],
    ['too much', 'head -c 1000000 /dev/zero', 'writes too much'],
  ])('reports %s', (_, script, text) =>
    withHelper(script, async () => {
      expect(await failureOf(ask())).toMatchObject({
        code: 'ERR_CREDENTIALS_HELPER',
        message: expect.stringContaining(text),
      })
    }),
  )

  it('does not wait for a helper that hangs', () =>
    withHelper('exec sleep 600', async () => {
      expect(await failureOf(ask(50))).toMatchObject({
        code: 'ERR_CREDENTIALS_HELPER',
        message: expect.stringContaining('no answer within 50 ms'),
      })
      const controller = new AbortController()
      const asked = ask(600_000, controller.signal)
      controller.abort(new Error('enough'))
      await expect(asked).rejects.toThrow('enough')
    }))

  it('reports a helper that is not installed, and a name that is no program', async () => {
    for (const name of ['none-such-helper', '../../bin/sh', '']) {
      expect(await failureOf(askCredentialHelper(name, 'r.io', { deadlineMs: 20_000 }))).toMatchObject({
        code: 'ERR_CREDENTIALS_HELPER',
        hint: expect.stringContaining('credsStore'),
      })
    }
  })

  it('is asked in the order that docker uses', () =>
    withHelper(
      `read server; echo "{\\"Username\\":\\"$server\\",\\"Secret\\":\\"helper\\"}"`,
      async (directory) => {
        const auth = Buffer.from('file:file').toString('base64')
        const configFile = join(directory, 'config.json')
        const found = async (config: unknown, registry: string): Promise<unknown> => {
          await writeFile(configFile, JSON.stringify(config))
          return dockerCredentials({ configFile }).credentialsFor(registry)
        }
        const auths = { 'r.io': { auth } }
        const fromHelper = (username: string) => ({ kind: 'password', username, password: 'helper' })
        expect(await found({ auths, credHelpers: { 'r.io': 'test' } }, 'r.io')).toEqual(fromHelper('r.io'))
        expect(await found({ auths, credHelpers: { 'other.io': 'test' } }, 'r.io')).toMatchObject({
          username: 'file',
        })
        expect(await found({ auths, credsStore: 'test' }, 'registry-1.docker.io')).toEqual(
          fromHelper('https://index.docker.io/v1/'),
        )
      },
    ))
})
