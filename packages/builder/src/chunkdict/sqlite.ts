// SPDX-License-Identifier: Apache-2.0
/** Node's own SQLite, without its notice. */
import type { DatabaseSync } from 'node:sqlite'
import { BuildError } from '../build-error.ts'

type Sqlite = { readonly DatabaseSync: new (path: string) => DatabaseSync }

/**
 * Opens a database file, created if it is not there; ':memory:' is none.
 * @throws {BuildError} ERR_BUILD_IO when the file is no database or cannot be opened.
 */
export function openSqlite(path: string): DatabaseSync {
  const { DatabaseSync: Database } = loadSqlite()
  try {
    const database = new Database(path)
    // The first access tells whether the file is a database.
    database.exec('PRAGMA journal_mode = MEMORY')
    return database
  } catch (cause) {
    throw new BuildError('ERR_BUILD_IO', `database ${path} cannot be opened`, { cause, details: { path } })
  }
}

/**
 * Loading the module prints "SQLite is an experimental feature" on stderr, which tools that call us read. The printing is
 * off for the one synchronous call that loads it, and only for this notice.
 */
function loadSqlite(): Sqlite {
  const { emitWarning } = process
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).includes('SQLite is an experimental feature')) return
    Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}
