// SPDX-License-Identifier: Apache-2.0
/**
 * Counts what a parser does, instead of timing it: every integer read from a record and every view, copy or allocation of
 * bytes. A limit turns an endless loop into an error, the same on every machine.
 */

/** What a run cost. */
export interface Cost {
  /** Record fields read, views and copies made. */
  readonly steps: number
  /** Bytes of all byte arrays that were allocated or copied. */
  readonly allocated: number
}

/** Upper bounds of a run. */
export type Limits = Cost

/** A run that went beyond its limits. Parsers must not catch it; it is no NydusError. */
export class LimitExceeded extends Error {
  override readonly name = 'LimitExceeded'
}

const GETTERS = ['getUint8', 'getUint16', 'getUint32', 'getBigUint64', 'getBigInt64', 'getInt32'] as const
const VIEWS = ['subarray', 'indexOf', 'includes', 'every', 'some'] as const

let steps = 0
let allocated = 0
let limits: Limits = { steps: Number.POSITIVE_INFINITY, allocated: Number.POSITIVE_INFINITY }

function step(): void {
  if (++steps > limits.steps) throw new LimitExceeded(`more than ${limits.steps} steps`)
}

function allocate(bytes: number): void {
  allocated += bytes
  if (allocated > limits.allocated) throw new LimitExceeded(`more than ${limits.allocated} bytes allocated`)
}

/**
 * Counts from now on, for the whole process. @returns undoes it.
 * Byte arrays made by native code, such as Buffers, are not counted.
 */
export function installMeter(): () => void {
  const undo: (() => void)[] = []
  const bytesPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object
  for (const name of GETTERS) undo.push(wrap(DataView.prototype, name, step))
  for (const name of VIEWS) undo.push(wrap(bytesPrototype, name, step))
  undo.push(wrap(bytesPrototype, 'slice', (result) => allocate((result as Uint8Array).byteLength)))
  const original = globalThis.Uint8Array
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args, newTarget) {
      if (typeof args[0] === 'number') allocate(args[0])
      return Reflect.construct(target, args, newTarget) as object
    },
  })
  undo.push(() => {
    globalThis.Uint8Array = original
  })
  return () => {
    for (const restore of undo) restore()
  }
}

/** Runs `work` under `bounds` and returns what it threw, a LimitExceeded if it went beyond. The meter must be installed. */
export function measure(bounds: Limits, work: () => void): { readonly cost: Cost; readonly error: unknown } {
  steps = 0
  allocated = 0
  limits = bounds
  let error: unknown
  try {
    work()
  } catch (thrown) {
    error = thrown
  }
  limits = { steps: Number.POSITIVE_INFINITY, allocated: Number.POSITIVE_INFINITY }
  return { cost: { steps, allocated }, error }
}

function wrap(owner: object, name: string, count: (result: unknown) => void): () => void {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name)
  if (descriptor === undefined) throw new TypeError(`no method ${name} to count`)
  const original = descriptor.value as (...args: unknown[]) => unknown
  Object.defineProperty(owner, name, {
    ...descriptor,
    value(this: unknown, ...args: unknown[]): unknown {
      const result = original.apply(this, args)
      count(result)
      return result
    },
  })
  return () => Object.defineProperty(owner, name, descriptor)
}
