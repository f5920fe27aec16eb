// SPDX-License-Identifier: Apache-2.0
/** Mounts a fixture as whatever user this is, prints what a program sees in it, and unmounts. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { openBootstrap } from '@nydus/rafs-format'
import { mountRafs } from '../../src/index.ts'
import { fixtureBlob, fixtureBootstrap } from './fixture.ts'
import { createMemoryBlobs } from './memory-blobs.ts'

const [mountpoint = '', allowOther] = process.argv.slice(2)
const bootstrap = fixtureBootstrap('tiny-tar-v6')
const blobs = createMemoryBlobs(openBootstrap(bootstrap), fixtureBlob, 'lazy')
try {
  const mount = await mountRafs({
    bootstrap,
    blobs,
    mountpoint,
    ...(allowOther === 'allow-other' ? { allowOther: true } : {}),
  })
  const { stdout } = await promisify(execFile)('sha256sum', [`${mount.mountpoint}/b`])
  await mount.unmount()
  console.log(JSON.stringify({ uid: process.geteuid?.(), digest: stdout.slice(0, 64) }))
} catch (error) {
  const { code, message, hint } = error as Error & { code?: string; hint?: string }
  console.log(JSON.stringify({ code, message, hint }))
} finally {
  blobs.close()
}
