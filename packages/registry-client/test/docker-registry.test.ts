// SPDX-License-Identifier: Apache-2.0
/** Against the real registry (CNCF distribution), where its binary `docker-registry` or `registry` is installed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fixedCredentials, openImageStore, type StoreOptions } from '../src/index.ts'
import { collect, failureOf, identityOf, inDirectory, patternBytes, smallImage } from './support/content.ts'

const binary = ['docker-registry', 'registry']
  .flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)))
  .find((path) => existsSync(path))
/** User `me`, password `secret`, bcrypt. */
const HTPASSWD = 'me:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n'

if (binary === undefined) console.log('skipped: no docker-registry on PATH')

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Runs a registry that keeps everything in memory; `htpasswd` guards it. */
function withRegistry(htpasswd: string | undefined, work: (host: string) => Promise<void>): Promise<void> {
  return inDirectory(async (directory) => {
    const port = await freePort()
    const auth = htpasswd && { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } }
    if (htpasswd) await writeFile(join(directory, 'htpasswd'), htpasswd)
    const config = {
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { inmemory: {}, delete: { enabled: true } },
      http: { addr: `127.0.0.1:${port}` },
      ...(auth && { auth }),
    }
    await writeFile(join(directory, 'config.yml'), JSON.stringify(config))
    const child = spawn(binary as string, ['serve', join(directory, 'config.yml')], { stdio: 'ignore' })
    try {
      await untilListening(port, child)
      await work(`127.0.0.1:${port}`)
    } finally {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode === null && child.kill('SIGKILL')) await exited
    }
  })
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) throw new Error(`registry exited with ${child.exitCode}`)
    const answer = await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined)
    if (answer !== undefined) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('registry does not listen')
}

async function exercise(host: string, options: StoreOptions): Promise<void> {
  const image = smallImage()
  const store = openImageStore(`${host}/team/image:v1`, options)
  await store.putBlob(identityOf(image.layer), image.layer)
  await store.putBlob(identityOf(image.config), () =>
    (async function* () {
      yield image.config
    })(),
  )
  await store.putManifest(image.manifest, image.mediaType, { tag: 'from-reference' })
  const descriptor = await store.resolve()
  expect(descriptor).toEqual({ mediaType: image.mediaType, ...identityOf(image.manifest) })
  expect((await store.manifest(descriptor)).document).toEqual(image.document)

  const large = patternBytes(2_500_000)
  await store.putBlob(identityOf(large), large, { mode: 'chunked', chunkSize: 1_000_000 })
  expect(Buffer.compare(await collect(store.openBlob(identityOf(large))), large)).toBe(0)
  expect(
    Buffer.compare(
      await collect(store.openBlob(identityOf(large), { offset: 2_000_000 })),
      large.subarray(2_000_000),
    ),
  ).toBe(0)
  const range = { offset: 999_990, length: 20 }
  const part = await store.readBlobRange(identityOf(large).digest, range)
  expect(Buffer.compare(part, large.subarray(999_990, 1_000_010))).toBe(0)

  const other = openImageStore(`${host}/other`, options)
  expect(await other.hasBlob(identityOf(large))).toBe(false)
  expect(await other.mountBlob(identityOf(large), 'team/image')).toBe(true)
  expect(await other.hasBlob(identityOf(large))).toBe(true)
  expect(await other.mountBlob(identityOf(patternBytes(10, 9)), 'team/image')).toBe(false)
  expect(await failureOf(other.resolve())).toMatchObject({
    code: 'ERR_REGISTRY_NOT_FOUND',
    registryCode: 'MANIFEST_UNKNOWN',
  })
  await other.close()
  await store.close()
}

describe.skipIf(binary === undefined)('the real registry', () => {
  it('takes and gives images', () => withRegistry(undefined, (host) => exercise(host, { plainHttp: true })))

  it('does so with a password, and tells what is wrong without', () =>
    withRegistry(HTPASSWD, async (host) => {
      const credentials = fixedCredentials({ kind: 'password', username: 'me', password: 'secret' })
      await exercise(host, { insecure: true, credentials })
      const anonymous = openImageStore(`${host}/team/image:v1`, { plainHttp: true })
      expect(await failureOf(anonymous.resolve())).toMatchObject({
        code: 'ERR_REGISTRY_UNAUTHORIZED',
        hint: expect.stringContaining(`docker login ${host}`),
      })
      await anonymous.close()
    }))
})
