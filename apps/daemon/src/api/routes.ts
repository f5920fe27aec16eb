// SPDX-License-Identifier: Apache-2.0
/** What the API answers. Order of checks and texts of errors are those that clients of the original know. */
import { LOG_LEVELS } from '../arguments.ts'
import { type MountTable, rafsMounts } from '../mount-table.ts'
import type { MountedRafs } from '../mounted.ts'
import type { ApiPorts } from './api-ports.ts'
import {
  type ApiReply,
  type ApiRequest,
  BAD_REQUEST,
  errorReply,
  NO_CONTENT,
  NO_ROUTE,
  ok,
} from './api-reply.ts'
import { healthOf } from './health.ts'
import { backendMetrics, cacheMetrics, fsMetrics, inflight } from './metrics.ts'
import { answerMount, missingMountpoint } from './mount-routes.ts'
import { parseBlobEntry, parseLiveValues, parseLogLevel } from './parse-body.ts'
import { exposeMetrics } from './prometheus.ts'
import { superMeta } from './super-meta.ts'
import { parseTarget, type Target } from './target.ts'

type Handler = (request: ApiRequest, target: Target, ports: ApiPorts) => ApiReply | Promise<ApiReply>

/** A method is allowed when it has a handler; GET must have no body. */
interface Route {
  readonly GET?: Handler
  /** PUT without a body. */
  readonly do?: Handler
  /** PUT with a body. */
  readonly PUT?: Handler
  /** Answers every method. */
  readonly any?: Handler
}

const unsupported = (what: string): ApiReply => errorReply(501, `${what}(DaemonAbnormal(Unsupported))`)

const ROUTES: Readonly<Record<string, Route>> = {
  '/api/v1/daemon': { GET: (_, __, ports) => ok(ports.info()), PUT: setLogLevel },
  '/api/v1/daemon/events': { GET: (_, __, { events }) => ok(events.record()) },
  '/api/v1/daemon/backend': { GET: describeBackend },
  '/api/v1/daemon/health': { GET: (_, __, ports) => healthOf(ports) },
  '/api/v1/daemon/start': { do: (_, __, ports) => startDaemon(ports) },
  '/api/v1/daemon/exit': { do: (_, __, { exit }) => ({ ...NO_CONTENT, after: exit }) },
  '/api/v1/daemon/fuse/sendfd': { do: (_, __, ports) => sendDescriptor(ports) },
  '/api/v1/daemon/fuse/takeover': { do: (_, __, ports) => takeOver(ports) },
  '/api/v1/mount': {
    any: (request, { query }, { mounts }) => answerMount(request, query.get('mountpoint'), mounts),
  },
  '/api/v1/metrics': { GET: imageMetrics('GlobalMetrics', fsMetrics) },
  '/api/v1/metrics/files': {
    GET: imageMetrics('FsFilesMetrics', ({ accounting }, query) =>
      query.get('latest') === 'true' ? (accounting?.takeLatest() ?? []) : (accounting?.files() ?? {}),
    ),
  },
  '/api/v1/metrics/pattern': {
    GET: imageMetrics('Pattern', ({ accounting }) => accounting?.pattern() ?? []),
  },
  '/api/v1/metrics/backend': { GET: imageMetrics('BackendMetrics', backendMetrics) },
  '/api/v1/metrics/blobcache': {
    GET: imageMetrics('BlobcacheMetrics', cacheMetrics, ({ config }) => config.id),
  },
  '/api/v1/metrics/inflight': { GET: (_, __, { mounts }) => listInflight(mounts) },
  '/api/v1/config': { GET: showSettings, PUT: changeSettings },
  '/api/v2/daemon': {
    GET: (_, __, ports) => ok({ ...ports.info(), backend_collection: null }),
    PUT: setLogLevel,
  },
  '/api/v2/blobs': { any: answerBlobs },
  '/metrics': { GET: (_, __, ports) => exposeMetrics(ports) },
}

/** Answers a request. Never rejects. */
export async function answer(request: ApiRequest, ports: ApiPorts): Promise<ApiReply> {
  const target = parseTarget(request.target)
  if (target === undefined) return BAD_REQUEST
  const route = Object.hasOwn(ROUTES, target.path) ? ROUTES[target.path] : undefined
  if (route === undefined) return NO_ROUTE
  const handler = route.any ?? handlerFor(route, request)
  return handler === undefined ? BAD_REQUEST : handler(request, target, ports)
}

function handlerFor(route: Route, { method, body }: ApiRequest): Handler | undefined {
  if (method === 'GET') return body === '' ? route.GET : undefined
  if (method !== 'PUT') return undefined
  return body === '' ? route.do : route.PUT
}

function setLogLevel({ body }: ApiRequest, _: Target, ports: ApiPorts): ApiReply {
  const parsed = parseLogLevel(body)
  if ('reply' in parsed) return parsed.reply
  const asked = parsed.value.toLowerCase()
  const known = asked === 'off' ? 'silent' : LOG_LEVELS.find((name) => name === asked)
  if (known === undefined) return errorReply(500, 'Configure(ResponsePayloadType)')
  ports.setLogLevel(known)
  return NO_CONTENT
}

function describeBackend(_: ApiRequest, { query }: Target, { mounts }: ApiPorts): ApiReply {
  const path = query.get('mountpoint')
  if (path === null) return missingMountpoint()
  const mounted = mounts.find(path)
  if (mounted?.type === 'Rafs') return ok(superMeta(mounted.image.bootstrap))
  const why =
    mounted === undefined ? "object or filesystem doesn't exist" : 'filesystem type mismatch, expect RAFS'
  return errorReply(500, `FsBackendInfo(Metrics(Daemon(Other("${why}"))))`)
}

function startDaemon(ports: ApiPorts): ApiReply {
  if (ports.state() !== 'INIT') return errorReply(400, 'Configure(DaemonAbnormal(UnexpectedEvent("Start")))')
  return errorReply(
    500,
    'Configure(DaemonAbnormal(Other("failed to start service, failed to create FUSE server, ")))',
  )
}

/** Handing the connection to a supervisor is not provided yet, which is an answer and no reason to die. */
function sendDescriptor(ports: ApiPorts): ApiReply {
  if (ports.state() === 'INIT') return errorReply(503, 'Upgrade(DaemonAbnormal(NotReady))')
  return ports.supervisor === undefined ? noSupervisor() : unsupported('Upgrade')
}

function takeOver(ports: ApiPorts): ApiReply {
  if (ports.state() !== 'INIT') return errorReply(400, 'Upgrade(DaemonAbnormal(UnexpectedEvent("Takeover")))')
  return ports.supervisor === undefined ? noSupervisor() : unsupported('Upgrade')
}

function noSupervisor(): ApiReply {
  return errorReply(500, 'Upgrade(DaemonAbnormal(UpgradeManager("MissingSupervisorPath")))')
}

/** Blobs for the kernel's cachefiles are not provided. */
function answerBlobs({ method, body }: ApiRequest, { query }: Target): ApiReply {
  const hasBody = body !== ''
  if (method === 'PUT' && hasBody) return parseBlobEntry(body) ?? unsupported('CreateBlobObject')
  if (hasBody || query.size === 0) return BAD_REQUEST
  if (method === 'DELETE') return unsupported('DeleteBlobObject')
  return method === 'GET' ? unsupported('GetBlobObject') : BAD_REQUEST
}

/** Without an id there must be exactly one image. */
function imageMetrics(
  name: string,
  metrics: (mounted: MountedRafs, query: URLSearchParams) => unknown,
  idOf: (mounted: MountedRafs) => string = ({ path }) => path,
): Handler {
  return (_, { query }, { mounts }) => {
    const images = rafsMounts(mounts)
    const id = query.get('id')
    const only = images.length === 1 ? images[0] : undefined
    const found = id === null ? only : images.find((mounted) => idOf(mounted) === id)
    if (found === undefined) return errorReply(404, `${name}(Metrics(Stats(NoCounter)))`)
    return ok(metrics(found, query))
  }
}

function listInflight(mounts: MountTable): ApiReply {
  const waiting = inflight(rafsMounts(mounts))
  return waiting.length === 0 ? NO_CONTENT : ok(waiting)
}

/** Keys are shown, values that are secrets are not. */
function showSettings(_: ApiRequest, { query }: Target, { settings }: ApiPorts): ApiReply {
  const id = query.get('id')
  const shown = (prefix: string, values: object): (readonly [string, string])[] =>
    Object.entries(values).map(([key, value]: [string, string]) => [
      `${prefix}${key}`,
      key === 'registry_auth' ? '***' : value,
    ])
  const entries =
    id === null
      ? settings.entries().flatMap(([owner, values]) => shown(`${owner}:`, values))
      : shown('', settings.get(id))
  return ok(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))))
}

function changeSettings({ body }: ApiRequest, { query }: Target, ports: ApiPorts): ApiReply {
  const parsed = parseLiveValues(body)
  if ('reply' in parsed) return parsed.reply
  const id = query.get('id') ?? ''
  ports.settings.update(id, parsed.value)
  ports.onSettings(id)
  return NO_CONTENT
}
