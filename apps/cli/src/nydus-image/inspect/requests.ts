// SPDX-License-Identifier: Apache-2.0
/** The commands of `inspect`. */
import { FILE_TYPE, readInode, S_IFMT } from '@nydus/rafs-format'
import { ownBlobId } from '../own-blob-id.ts'
import { blobText, chunkUses, statLines } from './listings.ts'
import { currentDirectory, entriesOf, type InspectSession, placesOf } from './session.ts'
import { statsText } from './stats-text.ts'

/** What became of a command. */
export type InspectOutcome =
  | { readonly kind: 'unknown' | 'help' | 'bad-argument' | 'exit' }
  /** `answer` is for the request mode; commands that only print have none. */
  | { readonly kind: 'done'; readonly answer?: unknown }

type Handler = (session: InspectSession, argument: string) => unknown

/** Commands by name; `n` says that the argument is a number. */
const HANDLERS: Readonly<Record<string, { readonly takes: '' | 'name' | 'number'; readonly run: Handler }>> =
  {
    stats: { takes: '', run: showStats },
    ls: { takes: '', run: listDirectory },
    cd: { takes: 'name', run: changeDirectory },
    stat: { takes: 'name', run: showFile },
    blobs: { takes: '', run: listBlobs },
    prefetch: { takes: '', run: listPrefetch },
    chunk: { takes: 'number', run: showChunk },
    icheck: { takes: 'number', run: showInode },
  }

const USAGE = `
    stats:              show what the superblock says
    ls:                 list the current directory
    cd DIR:             change the current directory
    stat NAME:          show an entry of the current directory, and its chunks
    blobs:              show the blob table
    prefetch:           show the prefetch table
    chunk OFFSET:       show the chunks at this offset of a blob, and the files that use them
    icheck INODE:       show paths and members of an inode
    exit:               leave
        `

/** Runs one command. @throws {FormatError} when the bootstrap is damaged there. */
export function executeRequest(session: InspectSession, request: string): InspectOutcome {
  const [name, argument] = request.trim().split(/\s+/)
  if (name === undefined || name === '') return { kind: 'done' }
  if (name === 'exit' || name === 'q') return { kind: 'exit' }
  if (name === 'help') {
    session.print(USAGE)
    return { kind: 'help' }
  }
  const handler = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : undefined
  if (handler === undefined || (handler.takes === '') !== (argument === undefined)) {
    session.print(`Unsupported command: ${name}`)
    session.print(USAGE)
    return { kind: 'unknown' }
  }
  if (handler.takes === 'number' && !/^[0-9]{1,15}$/.test(argument ?? '')) {
    session.print(`${argument} is not a number`)
    return { kind: 'bad-argument' }
  }
  return { kind: 'done', answer: handler.run(session, argument ?? '') }
}

function showStats(session: InspectSession): unknown {
  const { bootstrap, mode, print } = session
  if (mode === 'request') return { inodes_count: bootstrap.inodeCount }
  print(statsText(bootstrap))
  return undefined
}

function listDirectory(session: InspectSession): undefined {
  const { bootstrap, print } = session
  for (const { nid, name } of entriesOf(bootstrap, currentDirectory(session))) {
    const type = readInode(bootstrap, nid).mode & S_IFMT
    const sign =
      { [FILE_TYPE.REGULAR]: '-', [FILE_TYPE.DIRECTORY]: 'd', [FILE_TYPE.SYMLINK]: 'l' }[type] ?? ' '
    print(`${sign}    ${String(nid).padEnd(8)} "${name}"`)
  }
}

function changeDirectory(session: InspectSession, name: string): undefined {
  const { bootstrap, directories, print } = session
  if (name === '.') return
  if (name === '..') {
    if (directories.length > 1) directories.pop()
    return
  }
  const found = entriesOf(bootstrap, currentDirectory(session)).find((entry) => entry.name === name)
  if (found === undefined) print(`${name} is not there`)
  else if ((readInode(bootstrap, found.nid).mode & S_IFMT) !== FILE_TYPE.DIRECTORY)
    print(`${name} is not a directory`)
  else directories.push(found.nid)
}

function showFile(session: InspectSession, name: string): undefined {
  const { bootstrap, directories, print } = session
  const directory = currentDirectory(session)
  const place =
    name === '.'
      ? { nid: directory, name: '.', parentNid: directories.at(-2) ?? directory }
      : entriesOf(bootstrap, directory).find((entry) => entry.name === name)
  if (place === undefined) {
    print(`${name} is not there`)
    return
  }
  for (const line of statLines(session, place.nid, { parentNid: directory, ...place })) print(line)
}

function listBlobs({ bootstrap, path, mode, print }: InspectSession): unknown {
  const blobs = bootstrap.blobs.map((blob) => ({ ...blob, blobId: ownBlobId(blob, path) }))
  if (mode === 'request') {
    return blobs.map((blob) => ({
      blob_id: blob.blobId,
      compressed_size: blob.compressedSize,
      decompressed_size: blob.uncompressedSize,
      readahead_offset: blob.readaheadOffset ?? 0,
      readahead_size: blob.readaheadSize ?? 0,
    }))
  }
  for (const blob of blobs) print(blobText(bootstrap, blob))
  return undefined
}

function listPrefetch(session: InspectSession): unknown {
  const { bootstrap, mode, print } = session
  const nids = bootstrap.prefetchNids()
  if (mode === 'prompt') print(`Total Prefetching Files: ${nids.length}`)
  const answer = nids.map((inode) => ({ inode, path: prefetchPaths(session, inode) }))
  if (mode === 'request') return answer
  for (const { inode, path } of answer) {
    print(`Inode Number:${String(inode).padStart(10)} | Path: "${path.join(' ')}" `)
  }
  return undefined
}

/** The original ends paths of directories, and all paths of v5, with a slash; of a hard link of v5 it shows the first path. */
function prefetchPaths(session: InspectSession, nid: number): readonly string[] {
  const { bootstrap } = session
  const inode = readInode(bootstrap, nid)
  const places = placesOf(session, nid)
  if (bootstrap.fsVersion === 6 && (inode.mode & S_IFMT) !== FILE_TYPE.DIRECTORY) {
    return places.map(({ path }) => path)
  }
  const parentIno = 'parentIno' in inode ? inode.parentIno : undefined
  const place = places.find(({ parentNid }) => parentNid === parentIno) ?? places[0]
  if (place === undefined) return []
  return [place.path === '/' ? place.path : `${place.path}/`]
}

function showChunk(session: InspectSession, offset: string): undefined {
  for (const text of chunkUses(session, Number(offset))) session.print(text)
}

function showInode(session: InspectSession, argument: string): undefined {
  const nid = Number(argument)
  for (const { path, ...place } of placesOf(session, nid)) {
    session.print(path)
    for (const line of statLines(session, nid, place).slice(0, 1)) session.print(line)
  }
}
