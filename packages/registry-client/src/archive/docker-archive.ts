// SPDX-License-Identifier: Apache-2.0
/** `docker save` tars as image stores, for reading. */
import { RegistryError } from '../errors.ts'
import type { ImageStore } from '../image-store.ts'
import type { EntryName } from '../local/layout-index.ts'
import { createLayoutReader } from '../local/layout-reader.ts'
import type { MemberFiles } from '../local/member.ts'
import { openArchiveFiles } from './archive-files.ts'
import { hasLayout, layoutOfDockerSave } from './docker-save.ts'

/** Opens a tar that `docker save` wrote. Nothing is read before the first call. */
export function openDockerArchive(path: string, wanted: EntryName, place: string): ImageStore {
  let opened: Promise<MemberFiles> | undefined
  function files(): Promise<MemberFiles> {
    opened ??= openSavedFiles(path, wanted.name, place).catch((error) => {
      opened = undefined
      throw error
    })
    return opened
  }
  const readOnly = async (): Promise<never> => {
    throw new RegistryError('ERR_USAGE', `${place}: docker archives are only read`, {
      hint: 'write to oci-archive:FILE',
    })
  }

  return {
    kind: 'docker-archive',
    reference: place,
    ...createLayoutReader(files, wanted, place),
    mountBlob: async () => false,
    putBlob: readOnly,
    putManifest: readOnly,
    async close() {
      const known = await opened?.catch(() => undefined)
      opened = undefined
      await known?.close()
    },
  }
}

async function openSavedFiles(path: string, name: string | undefined, place: string): Promise<MemberFiles> {
  const files = await openArchiveFiles(path)
  if (files === undefined) {
    throw new RegistryError('ERR_REGISTRY_NOT_FOUND', `${path} does not exist`, { details: { path } })
  }
  try {
    return (await hasLayout(files)) ? files : await layoutOfDockerSave(files, name, place)
  } catch (error) {
    await files.close()
    throw error
  }
}
