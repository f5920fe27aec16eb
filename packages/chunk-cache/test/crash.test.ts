// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { isReady } from '../src/chunk-map.ts'
import { openBlobCache } from '../src/index.ts'
import { crashBlob } from './crash-blob.ts'
import * as golden from './golden.ts'
import { BLOB_ID } from './made-blob.ts'

const SCRIPT = fileURLToPath(new URL('fill-and-wait.ts', import.meta.url))

it('has the data of every bit on disk, whenever the process is killed', async () => {
  const workDir = golden.scratch(onTestFinished)
  const made = crashBlob()
  let ready = 0
  for (let round = 0; round < 8; round++) {
    const child = spawn(process.execPath, ['--conditions=@nydus/source', SCRIPT, workDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    setTimeout(() => child.kill('SIGKILL'), 7 * round)
    await once(child, 'close')
    const map = readFileSync(join(workDir, `${BLOB_ID}.blob.data.chunk_map`)).subarray(4096)
    const data = readFileSync(join(workDir, `${BLOB_ID}.blob.data`))
    ready = 0
    for (const [index, { uncompressedOffset: start, uncompressedSize: size }] of made.chunks.entries()) {
      if (!isReady(map, index)) continue
      ready++
      expect(data.subarray(start, start + size).equals(made.plain.subarray(start, start + size))).toBe(true)
    }
  }
  expect(ready).toBeGreaterThan(0)
  const cache = await openBlobCache({
    blob: made.blob,
    source: golden.countingSource(BLOB_ID, made.bytes),
    workDir,
  })
  const bytes = await cache.read({ offset: 0, length: made.plain.length })
  expect(Buffer.from(bytes).equals(made.plain)).toBe(true)
  await cache.close()
})
