// SPDX-License-Identifier: Apache-2.0
/** Sources and bootstraps of recorded `create` commands. */
import { type Fixture, manifest, readStored, type Stored } from './fixture-store.ts'

interface CompressedForm extends Stored {
  readonly tree: string
  readonly variant: string
}

/** The bytes that a command was given: a plain tar, or one of the recorded compressed forms. */
export function readSource(fixture: Fixture): Uint8Array {
  const name = (fixture.source as string).replace('trees/', '')
  const { compressed_forms: forms } = manifest as unknown as { compressed_forms: readonly CompressedForm[] }
  const form = forms.find(({ tree, variant }) => `${tree}.${variant}` === name)
  const stored = form ?? manifest.trees.find((tree) => `${tree.name}.tar` === name)?.tar
  if (stored === undefined) throw new Error(`no source ${name}`)
  return readStored(stored)
}

/** The bootstrap that a command wrote, inside its blob or beside it. */
export function goldenBootstrap(fixture: Fixture & { readonly inline_bootstrap?: Stored }): Uint8Array {
  const stored = fixture.inline_bootstrap ?? fixture.outputs?.bootstrap
  if (stored === undefined) throw new Error(`${fixture.id} has no bootstrap`)
  return readStored(stored)
}
