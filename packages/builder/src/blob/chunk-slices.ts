// SPDX-License-Identifier: Apache-2.0
import type { ContextSlice } from '@nydus/rafs-format'
import { NumberList } from '../tree/number-list.ts'

const NO_CONTEXT = 0xffff_ffff

/** Which chunks of a blob are parts of a context: eight bytes a chunk. */
export class ChunkSlices {
  readonly #contexts = new NumberList()
  readonly #offsets = new NumberList()

  /** The next chunk's place in a context; undefined for a chunk of its own. */
  push(slice: ContextSlice | undefined): void {
    this.#contexts.push(slice?.context ?? NO_CONTEXT)
    this.#offsets.push(slice?.offset ?? 0)
  }

  /** The place of chunk `index`. */
  at(index: number): ContextSlice | undefined {
    const context = this.#contexts.at(index)
    return context === NO_CONTEXT ? undefined : { context, offset: this.#offsets.at(index) }
  }
}
