#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// In the repository, so that npm links the commands before anything is built. One file for all names, because npx asks
// for that; `nydus-image` is called a thousand times by build pipelines and loads nothing of the others.
import { basename } from 'node:path'

const isBuilder = /^nydus-image(\.|$)/.test(basename(process.argv[1] ?? ''))
await import(isBuilder ? '../dist/nydus-image/main.js' : '../dist/main.js')
