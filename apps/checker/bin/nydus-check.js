#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// In the repository, so that npm links the commands before anything is built.
import '../dist/main.js'
