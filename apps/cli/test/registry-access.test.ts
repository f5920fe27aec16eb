// SPDX-License-Identifier: Apache-2.0
/** Self-signed TLS and credentials, through the whole command line: what works, and what is said when it does not. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Readable } from 'node:stream'
import { buildTar, putImage, type RegistryOptions, startRegistry, type TestRegistry } from '@nydus/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { run } from '../src/index.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const USER = 'joe'
const PASSWORD = 's3cret-pa55'
const BASE64 = Buffer.from(`${USER}:${PASSWORD}`).toString('base64')
const registries: TestRegistry[] = []
let directory: string

beforeEach(() => {
  directory = temporaryDirectory()
  mkdirSync(join(directory, '.docker'))
  vi.stubEnv('HOME', directory)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const registry of registries.splice(0)) await registry.close()
})

async function openRegistry(options: RegistryOptions) {
  const registry = await startRegistry(options)
  registries.push(registry)
  putImage(registry, 'app', '1', [buildTar([{ path: 'a', content: 'a' }])])
  return { registry, image: `${registry.host}/app:1` }
}

async function call(...argv: readonly string[]) {
  let output = ''
  const stream = { write: (text: string) => (output += text) }
  const work = ['--work-dir', join(directory, 'work'), '--log-level', 'debug']
  const status = await run([...argv, ...work], {
    calledAs: 'nydus',
    stdin: Readable.from([]),
    stdout: stream,
    stderr: stream,
    env: {},
    signal: new AbortController().signal,
  })
  expect(output).not.toContain(PASSWORD)
  expect(output).not.toContain(BASE64)
  if (argv[0] === 'convert') expect(readdirSync(directory)).not.toContain('work')
  return { status, output }
}

function writeDockerConfig(config: unknown): void {
  writeFileSync(join(directory, '.docker', 'config.json'), JSON.stringify(config))
}

/** Puts `docker-credential-NAME` in the PATH. */
function installHelper(name: string, script: string): void {
  const path = join(directory, '.docker', `docker-credential-${name}`)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  vi.stubEnv('PATH', `${join(directory, '.docker')}${delimiter}${process.env.PATH}`)
}

describe('a registry with a self-signed certificate', () => {
  it('is used with --source-insecure and --target-insecure, by convert and by check', async () => {
    const { registry, image } = await openRegistry({ tls: true })
    const places = ['--source', image, '--target', `${image}-nydus`]
    const insecure = ['--source-insecure', '--target-insecure']
    expect(await call('convert', ...places, ...insecure)).toMatchObject({ status: 0 })
    expect(await call('check', ...places, ...insecure, '--platform', 'linux/amd64')).toMatchObject({
      status: 0,
    })
    expect(registry.tags('app')).toEqual(['1', '1-nydus'])
  })

  it.each([[[]], [['--source-insecure']], [['--target-insecure']]])('is refused with %j', async (flags) => {
    const { registry, image } = await openRegistry({ tls: true })
    const { status, output } = await call('convert', '--source', image, '--target', `${image}-n`, ...flags)
    expect(output).toMatch(/^nydus: .* certificate of .* is not trusted .*\(ERR_REGISTRY_CONNECTION\)$/m)
    expect(output).toMatch(/^hint: .*--source-insecure or --target-insecure$/m)
    expect(status).toBe(4)
    expect(registry.tags('app')).toEqual(['1'])
  })

  it('a plain registry asked with TLS, and the other way round, end with a hint', async () => {
    const plain = await openRegistry({})
    const tls = await openRegistry({ tls: true })
    const target = `oci:${join(directory, 'target')}:1`
    const asked = await call('convert', '--source', plain.image, '--target', target)
    expect(asked.output).toMatch(/^hint: .*use --plain-http$/m)
    const spoken = await call('convert', '--source', tls.image, '--target', target, '--plain-http')
    expect(spoken.output).toMatch(/^hint: .*leave out --plain-http$/m)
    expect([asked.status, spoken.status]).toEqual([4, 4])
    expect(readdirSync(directory)).toEqual(['.docker'])
  })
})

describe.each(['basic', 'bearer'] as const)('a registry with %s authentication', (scheme) => {
  const auth = { scheme, username: USER, password: PASSWORD }

  async function convert() {
    const { registry, image } = await openRegistry({ auth })
    const convertImage = () => call('convert', '--source', image, '--target', `${image}-n`, '--plain-http')
    return { registry, convertImage }
  }

  it('takes what docker login has stored', async () => {
    const { registry, convertImage } = await convert()
    writeDockerConfig({ auths: { [registry.host]: { auth: BASE64 } } })
    expect(await convertImage()).toMatchObject({ status: 0 })
    expect(registry.tags('app')).toEqual(['1', '1-n'])
  })

  it('takes what a credential helper of the registry, or of all registries, answers', async () => {
    const { registry, convertImage } = await convert()
    const answer = JSON.stringify({ Username: USER, Secret: PASSWORD })
    installHelper('test', `read server && [ "$server" = "${registry.host}" ] && echo '${answer}'`)
    writeDockerConfig({ credHelpers: { [registry.host]: 'test' } })
    expect(await convertImage()).toMatchObject({ status: 0 })
    writeDockerConfig({ credsStore: 'test' })
    expect(await convertImage()).toMatchObject({ status: 0 })
  })

  it('refuses strangers and wrong passwords, and the tag stays away', async () => {
    const { registry, convertImage } = await convert()
    const stranger = await convertImage()
    expect(stranger.output).toMatch(/^nydus: .*\(ERR_REGISTRY_UNAUTHORIZED\)\nhint: run "docker login /m)
    const wrong = Buffer.from(`${USER}:wrong-pa55`).toString('base64')
    writeDockerConfig({ auths: { [registry.host]: { auth: wrong } } })
    const refused = await convertImage()
    expect(refused.output).toMatch(/\(ERR_REGISTRY_UNAUTHORIZED\)/)
    expect(refused.output).not.toMatch(/wrong-pa55/)
    expect(refused.output).not.toContain(wrong)
    expect([stranger.status, refused.status]).toEqual([4, 4])
    expect(registry.tags('app')).toEqual(['1'])
  })

  it('a helper that is missing or fails is named', async () => {
    const { registry, convertImage } = await convert()
    writeDockerConfig({ credHelpers: { [registry.host]: 'nydus-none' } })
    expect(await convertImage()).toMatchObject({
      status: 4,
      output: expect.stringMatching(
        /docker-credential-nydus-none: it cannot be run.*\(ERR_CREDENTIALS_HELPER\)/,
      ),
    })
    installHelper('broken', 'echo the keychain is locked >&2; exit 3')
    writeDockerConfig({ credsStore: 'broken' })
    expect(await convertImage()).toMatchObject({
      status: 4,
      output: expect.stringMatching(/status 3: the keychain is locked \(ERR_CREDENTIALS_HELPER\)/),
    })
  })
})
