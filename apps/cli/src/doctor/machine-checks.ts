// SPDX-License-Identifier: Apache-2.0
/** Checks of this machine: what conversions and mounts need. */
import { dirname, join, resolve } from 'node:path'
import { BLAKE3_IMPLEMENTATION } from '@nydus/base/digest'
import { formatBytes } from '../render/format.ts'
import type { DoctorCheck } from './doctor-report.ts'
import type { Machine } from './machine.ts'

/** Bit of CAP_SYS_ADMIN in the sets of /proc/self/status. */
const CAP_SYS_ADMIN = 21n
/** A conversion keeps its largest layers here for a while. */
const LITTLE_SPACE_BYTES = 2e9
const FUSE_DEVICE = '/dev/fuse'

/** Runs all checks of the machine. @param workDir where temporary files and caches go. */
export async function checkMachine(machine: Machine, workDir: string): Promise<readonly DoctorCheck[]> {
  return [
    checkNode(machine),
    checkKernel(machine),
    checkFileSystems(machine),
    checkFuseDevice(machine),
    checkPrivileges(machine),
    await checkBinding(machine),
    checkDigests(),
    checkSpace(machine, workDir),
    checkDockerConfig(machine),
  ]
}

/** Whether this process may call mount(2). */
export function mayMount({ euid, readText }: Machine): boolean {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(readText('/proc/self/status') ?? '')?.[1]
  if (hex === undefined) return euid === 0
  return ((BigInt(`0x${hex}`) >> CAP_SYS_ADMIN) & 1n) === 1n
}

function checkNode({ nodeVersion, arch }: Machine): DoctorCheck {
  // Older versions do not come this far.
  return { name: 'node', status: 'ok', detail: `${nodeVersion} on ${arch}` }
}

function checkKernel({ platform, kernel }: Machine): DoctorCheck {
  if (platform === 'linux') return { name: 'kernel', status: 'ok', detail: `linux ${kernel}` }
  return {
    name: 'kernel',
    status: 'warn',
    detail: `${platform} ${kernel}`,
    hint: 'images can be converted, checked and inspected here; mounts need Linux',
  }
}

function checkFileSystems({ readText }: Machine): DoctorCheck {
  const name = 'file systems'
  const known = readText('/proc/filesystems')
  if (known === undefined) return { name, status: 'warn', detail: '/proc/filesystems cannot be read' }
  const has = (type: string) => new RegExp(`^(nodev)?\\t${type}$`, 'm').test(known)
  if (!has('fuse')) {
    return { name, status: 'fail', detail: 'the kernel has no fuse', hint: 'try: modprobe fuse' }
  }
  if (has('erofs')) return { name, status: 'ok', detail: 'fuse and erofs' }
  const hint = 'try: modprobe erofs; it may be loaded on the first mount, too'
  return { name, status: 'warn', detail: 'fuse, no erofs', hint }
}

function checkFuseDevice(machine: Machine): DoctorCheck {
  const name = 'fuse device'
  if (!machine.exists(FUSE_DEVICE)) {
    const hint = 'try: modprobe fuse; in a container, pass the device with --device /dev/fuse'
    return { name, status: 'fail', detail: `${FUSE_DEVICE} is missing`, hint }
  }
  if (machine.mayOpen(FUSE_DEVICE)) return { name, status: 'ok', detail: `${FUSE_DEVICE} can be opened` }
  const helper = machine.hasProgram('fusermount3')
  const detail = `${FUSE_DEVICE} may not be opened by this user`
  if (helper) return { name, status: 'warn', detail: `${detail}; fusermount3 will open it` }
  return { name, status: 'fail', detail, hint: 'run as root, or install fuse3 (fusermount3)' }
}

function checkPrivileges(machine: Machine): DoctorCheck {
  const name = 'permissions'
  if (mayMount(machine)) return { name, status: 'ok', detail: 'this process may mount' }
  if (machine.hasProgram('fusermount3')) {
    const allowsOther = /^\s*user_allow_other\s*$/m.test(machine.readText('/etc/fuse.conf') ?? '')
    const who = allowsOther ? 'for everybody' : 'that only this user can read'
    return {
      name,
      status: 'warn',
      detail: `not root: fusermount3 gives mounts ${who}, in the fuse data plane`,
      hint: 'run as root for the erofs data plane',
    }
  }
  const hint = 'run as root (or with CAP_SYS_ADMIN), or install fuse3 (fusermount3)'
  return { name, status: 'fail', detail: 'this process may not mount', hint }
}

async function checkBinding(machine: Machine): Promise<DoctorCheck> {
  const name = 'native calls'
  const reason = await machine.whyNoBinding()
  if (reason === undefined) return { name, status: 'ok', detail: 'koffi is loaded' }
  const hint = 'reinstall with optional dependencies: npm install --include=optional'
  return { name, status: 'fail', detail: `mounts and xattrs of directories do not work: ${reason}`, hint }
}

function checkDigests(): DoctorCheck {
  const name = 'digests'
  if (BLAKE3_IMPLEMENTATION === 'native') return { name, status: 'ok', detail: 'native BLAKE3' }
  const hint = 'reinstall with optional dependencies: npm install --include=optional'
  return { name, status: 'warn', detail: 'portable BLAKE3, many times slower', hint }
}

function checkSpace(machine: Machine, workDir: string): DoctorCheck {
  const name = 'disk space'
  const existing = nearestExisting(machine, resolve(workDir))
  const free = machine.freeBytes(existing)
  if (free === undefined) return { name, status: 'warn', detail: `${existing} cannot be looked at` }
  if (!machine.mayOpen(existing)) {
    return { name, status: 'fail', detail: `${existing} may not be written`, hint: 'use --work-dir' }
  }
  const detail = `${formatBytes(free)} free at ${existing}`
  if (free >= LITTLE_SPACE_BYTES) return { name, status: 'ok', detail }
  return { name, status: 'warn', detail, hint: 'free some, or give another place with --work-dir' }
}

function nearestExisting(machine: Machine, path: string): string {
  return machine.exists(path) || dirname(path) === path ? path : nearestExisting(machine, dirname(path))
}

function checkDockerConfig({ home, exists, readText }: Machine): DoctorCheck {
  const name = 'credentials'
  const path = join(home, '.docker', 'config.json')
  if (!exists(path)) return { name, status: 'ok', detail: `anonymous: there is no ${path}` }
  try {
    const config: unknown = JSON.parse(readText(path) ?? '')
    const {
      auths = {},
      credHelpers = {},
      credsStore,
    } = config as Readonly<Record<string, object | undefined>>
    const registries = new Set([...Object.keys(auths), ...Object.keys(credHelpers)])
    const store = typeof credsStore === 'string' ? `, helper ${credsStore}` : ''
    return { name, status: 'ok', detail: `${path}: ${registries.size} registries${store}` }
  } catch {
    return {
      name,
      status: 'fail',
      detail: `${path} is not readable JSON`,
      hint: 'log in again: docker login',
    }
  }
}
