// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Credentials, dockerCredentials } from '../../src/index.ts'
import { failureOf, inDirectory } from '../support/content.ts'

const auth = Buffer.from('me:pass:word').toString('base64')
const password = { kind: 'password', username: 'me', password: 'pass:word' }

function find(config: unknown, registry: string): Promise<Credentials | undefined> {
  return inDirectory(async (directory) => {
    const configFile = join(directory, 'config.json')
    await writeFile(configFile, typeof config === 'string' ? config : JSON.stringify(config))
    return dockerCredentials({ configFile }).credentialsFor(registry)
  })
}

describe('dockerCredentials', () => {
  it.each([
    ['an auth', { 'r.io': { auth } }, 'r.io', password],
    ['a port', { 'r.io:5000': { auth } }, 'r.io:5000', password],
    ['a URL as the key', { 'https://r.io/v1/': { auth } }, 'r.io', password],
    ['user name and password', { 'r.io': { username: 'me', password: 'pass:word' } }, 'r.io', password],
    [
      'an identity token',
      { 'r.io': { auth, identitytoken: 'tok' } },
      'r.io',
      { kind: 'identity-token', identityToken: 'tok' },
    ],
    [
      'a registry token',
      { 'r.io': { registrytoken: 'tok' } },
      'r.io',
      { kind: 'registry-token', registryToken: 'tok' },
    ],
    ['Docker Hub', { 'https://index.docker.io/v1/': { auth } }, 'registry-1.docker.io', password],
    ['Docker Hub by its short name', { 'docker.io': { auth } }, 'registry-1.docker.io', password],
    ['another port', { 'r.io:5000': { auth } }, 'r.io', undefined],
    ['a neighbour', { 'sub.r.io': { auth } }, 'r.io', undefined],
    ['a name that only ends alike', { 'r.io': { auth } }, 'evilr.io', undefined],
    ['an empty entry', { 'r.io': {} }, 'r.io', undefined],
    ['no entry', {}, 'r.io', undefined],
  ])('finds %s', async (_, auths, registry, expected) => {
    expect(await find({ auths }, registry)).toEqual(expected)
  })

  it('is anonymous without a file, or with an empty one', () =>
    inDirectory(async (directory) => {
      expect(
        await dockerCredentials({ configFile: join(directory, 'none') }).credentialsFor('r.io'),
      ).toBeUndefined()
      expect(await find(' \n', 'r.io')).toBeUndefined()
    }))

  it('reads the file anew each time', () =>
    inDirectory(async (directory) => {
      const configFile = join(directory, 'config.json')
      const source = dockerCredentials({ configFile })
      expect(await source.credentialsFor('r.io')).toBeUndefined()
      await writeFile(configFile, JSON.stringify({ auths: { 'r.io': { auth } } }))
      expect(await source.credentialsFor('r.io')).toEqual(password)
    }))

  it.each([
    ['no JSON', '{"auths": secret'],
    ['a list', '[]'],
    ['an auth without a colon', { auths: { 'r.io': { auth: Buffer.from('secret').toString('base64') } } }],
  ])('refuses %s without quoting it', async (_, config) => {
    const error = await failureOf(find(config, 'r.io'))
    expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    expect(`${error.message}${error.cause}`).not.toContain('secret')
  })

  it('refuses a file that cannot be read', () =>
    inDirectory(async (directory) => {
      await mkdir(join(directory, 'config.json'))
      const source = dockerCredentials({ configFile: join(directory, 'config.json') })
      expect(await failureOf(source.credentialsFor('r.io'))).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    }))
})
