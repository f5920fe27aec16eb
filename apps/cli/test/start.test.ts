// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildTar, putImage, startRegistry } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from './temporary-directory.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

function start(argv: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--conditions=@nydus/source', MAIN, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function finish(child: ChildProcess): Promise<{ status: number | null; stderr: string }> {
  let stderr = ''
  child.stderr?.on('data', (piece) => {
    stderr += piece
  })
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, stderr }
}

describe('the process', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s stops a conversion: 130, no file left, no tag moved',
    async (signal) => {
      const registry = await startRegistry()
      const directory = temporaryDirectory()
      try {
        putImage(registry, 'app', '1', [buildTar([{ path: 'a', content: Buffer.alloc(100_000, 'a') }])])
        registry.fault({
          on: { method: 'GET', kind: 'blob' },
          skip: 1,
          action: { do: 'stall', afterBytes: 10 },
        })
        const image = `${registry.host}/app:1`
        const child = start([
          ...['convert', '--source', image, '--target', `${image}-n`, '--plain-http'],
          ...['--work-dir', join(directory, 'work')],
        ])
        const finished = finish(child)
        await once(child.stderr as NodeJS.ReadableStream, 'data')
        while (readdirSync(directory).length === 0 || registry.requests.length < 4) {
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        child.kill(signal)
        const { status, stderr } = await finished
        expect(stderr).toContain(`nydus: interrupted by ${signal} (ERR_INTERRUPTED)`)
        expect(status).toBe(130)
        expect(readdirSync(directory)).toEqual([])
        expect(registry.tags('app')).toEqual(['1'])
      } finally {
        await registry.close()
      }
    },
  )

  it('a second signal ends it at once, and leaves nothing either', async () => {
    const registry = await startRegistry()
    const directory = temporaryDirectory()
    try {
      putImage(registry, 'app', '1', [buildTar([{ path: 'a', content: Buffer.alloc(100_000, 'a') }])])
      registry.fault({
        on: { method: 'GET', kind: 'blob' },
        skip: 1,
        action: { do: 'stall', afterBytes: 10 },
      })
      const child = start([
        ...['convert', '--source', `${registry.host}/app:1`, '--target', `oci:${directory}/target:1`],
        ...['--plain-http', '--work-dir', join(directory, 'work')],
      ])
      const finished = finish(child)
      await once(child.stderr as NodeJS.ReadableStream, 'data')
      while (readdirSync(directory).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      child.kill('SIGINT')
      child.kill('SIGINT')
      expect((await finished).status).toBe(130)
      expect(readdirSync(directory)).toEqual([])
    } finally {
      await registry.close()
    }
  })

  it('finishes its work when nobody reads its output any more', async () => {
    const registry = await startRegistry()
    const directory = temporaryDirectory()
    try {
      putImage(registry, 'app', '1', [buildTar([{ path: 'a', content: 'a' }])])
      const image = `${registry.host}/app:1`
      const child = start([
        ...['convert', '--source', image, '--target', `${image}-n`, '--plain-http'],
        ...['--work-dir', join(directory, 'work')],
      ])
      child.stdout?.destroy()
      child.stderr?.destroy()
      const [status] = (await once(child, 'close')) as [number | null]
      expect(status).toBe(0)
      expect(registry.tags('app')).toEqual(['1', '1-n'])
    } finally {
      await registry.close()
    }
  })

  it('under the name nydus-image it is that program', async () => {
    const link = join(temporaryDirectory(), 'nydus-image')
    symlinkSync(MAIN, link)
    const { status, stderr } = await finish(spawnLink(link))
    expect(status).toBe(2)
    expect(stderr).toContain(
      'error: the following required arguments were not provided: --bootstrap <bootstrap>',
    )
  })
})

/** Node follows the link to load the file; the name stays in argv. */
function spawnLink(link: string): ChildProcess {
  const loader = `data:text/javascript,process.argv[1]=${JSON.stringify(link)}`
  const argv = ['--conditions=@nydus/source', '--import', loader, MAIN, 'create']
  return spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
}
