#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// In the repository, so that npm links the commands before anything is built. One file for both names: npx asks for that.
import { basename } from 'node:path'

const isControl = /^nydusctl(\.|$)/.test(basename(process.argv[1] ?? ''))
await import(isControl ? '../dist/nydusctl/main.js' : '../dist/main.js')
