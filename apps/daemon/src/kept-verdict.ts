// SPDX-License-Identifier: Apache-2.0
/** The kernel's self-test takes a tenth of a second, and its result holds until the machine boots another kernel. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErofsVerdict } from '@nydus/fuse-fs'
import * as z from 'zod'

const DIRECTORY = '/run/nydus-daemon'
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id'

const KeptVerdict = z.object({
  bootId: z.string(),
  verdict: z.union([
    z.object({ usable: z.literal(true) }),
    z.object({ usable: z.literal(false), reason: z.string() }),
  ]),
})

/**
 * The verdict of this boot: kept by an earlier process, or found out now. A file that cannot be read or written only
 * means that the kernel is asked again.
 * @param directory writable by root only, gone after a boot.
 */
export async function keptVerdict(
  ask: () => Promise<ErofsVerdict>,
  directory = DIRECTORY,
): Promise<ErofsVerdict> {
  const file = join(directory, 'erofs-verdict.json')
  const bootId = await readFile(BOOT_ID_FILE, 'utf8').catch(() => '')
  const kept = await readKept(file)
  if (kept !== undefined && bootId !== '' && kept.bootId === bootId) return kept.verdict
  const verdict = await ask()
  await keep(directory, file, { bootId, verdict }).catch(() => {})
  return verdict
}

async function readKept(file: string): Promise<z.infer<typeof KeptVerdict> | undefined> {
  try {
    return KeptVerdict.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}

async function keep(directory: string, file: string, kept: z.infer<typeof KeptVerdict>): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}`
  await writeFile(temporary, `${JSON.stringify(kept)}\n`, { mode: 0o600 })
  await rename(temporary, file)
}
