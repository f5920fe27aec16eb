// SPDX-License-Identifier: Apache-2.0
/** Mounting without root. The child gets its own mount namespace, where it may open /dev/fuse. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { createMountpoint, describeMounted, removeMountpoints } from './support/mounts.ts'

const SCRIPT = fileURLToPath(new URL('./support/mount-once.ts', import.meta.url))
const NOBODY = 65_534
const AS_NOBODY = `setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups`
const FUSE_DEVICE_FOR_ALL =
  'mknod "$0/fuse" c 10 229 && chmod 666 "$0/fuse" && mount --bind "$0/fuse" /dev/fuse'

/** Runs a shell script in its own mount namespace; `$0` is a scratch directory, `$1` Node, `$2` the mountpoint. */
function runPrivately(script: string): string {
  const [scratch, mountpoint] = [createMountpoint(), createMountpoint()]
  chmodSync(scratch, 0o755)
  chownSync(mountpoint, NOBODY, NOBODY)
  const args = ['-m', 'sh', '-c', script, scratch, process.execPath, mountpoint]
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 30_000 })
  return stdout.trim() === '' ? stderr : stdout
}
const mountOnce = (more = ''): string =>
  `exec ${AS_NOBODY} "$1" --conditions=@nydus/source ${SCRIPT} "$2" ${more}`

const missing = runPrivately(
  `${FUSE_DEVICE_FOR_ALL} && ${AS_NOBODY} sh -c 'fusermount3 --version && "$1" --version && cat ${SCRIPT}' sh "$1"`,
)
const isPossible =
  process.geteuid?.() === 0 && missing.includes('fusermount3 version') && missing.includes('SPDX')
if (!isPossible)
  console.warn(
    'skipped: mounting as another user needs root, unshare, setpriv, fusermount3 and a readable clone',
  )

describeMounted('mounting without root', () => {
  afterAll(removeMountpoints)

  it.runIf(isPossible)('goes through fusermount3', () => {
    expect(JSON.parse(runPrivately(`${FUSE_DEVICE_FOR_ALL} && ${mountOnce()}`))).toEqual({
      uid: NOBODY,
      digest: 'ff29ee7dd4499e62407622c6cf0f58e51b043af5bdb6cd2dda7d376e33cf61ae',
    })
  })

  it.runIf(isPossible)('tells what the helper says, and what to do', () => {
    const answer = JSON.parse(runPrivately(`chmod 600 /dev/fuse; ${mountOnce()}`)) as Record<string, string>
    expect(answer).toMatchObject({ code: 'ERR_FUSE_PERMISSION' })
    expect(answer.message).toMatch(/\/dev\/fuse: Permission denied/)
    expect(answer.hint).toMatch(/mount as root/)
  })

  it.runIf(isPossible)('says so when the helper is not there', () => {
    const answer = JSON.parse(
      runPrivately(
        `tool=$(command -v setpriv); export PATH=/nowhere; ${mountOnce().replace('setpriv', '"$tool"')}`,
      ),
    ) as Record<string, string>
    expect(answer).toMatchObject({ code: 'ERR_FUSE_PERMISSION', message: 'fusermount3 cannot be started' })
  })
})
