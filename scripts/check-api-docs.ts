// SPDX-License-Identifier: Apache-2.0
/** The documentation gate: every exported function, class, interface and type says what it is. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const DECLARATION = /^export (?:async )?(?:function\*?|class|interface|type) (\w+)/

/** Names declared and exported in `text` without a comment directly above. */
export function undocumentedExports(text: string): string[] {
  const lines = text.split('\n')
  return lines.flatMap((line, index) => {
    const name = DECLARATION.exec(line)?.[1]
    const documented = lines[index - 1]?.trimEnd().endsWith('*/') ?? false
    return name === undefined || documented ? [] : [name]
  })
}

/** `file: name` of each undocumented export below `root`. */
export function checkApiDocs(root: string): string[] {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).flatMap((workspace) =>
      readdirSync(join(root, group, workspace, 'src'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
        .flatMap((entry) => {
          const file = join(entry.parentPath, entry.name)
          const names = undocumentedExports(readFileSync(file, 'utf8'))
          return names.map((name) => `${relative(root, file)}: ${name}`)
        }),
    ),
  )
}
