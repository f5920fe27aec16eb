// SPDX-License-Identifier: Apache-2.0
/** Preloaded: makes koffi impossible to load, as on a platform that it has no binary for. */
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'koffi') throw new Error('koffi is taken away by the test')
    return next(specifier, context)
  },
})
