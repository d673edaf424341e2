/** What receives every HTTP request of clients. */
import type { RequestListener } from 'node:http'
import type { Logger } from 'pino'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { responseHeaderNames } from '../configuration/subgraphs.ts'
import type { ConsoleParts } from '../http/console-page.ts'
import { directPost } from '../http/direct-post.ts'
import { expressApp } from '../http/express-app.ts'
import { forwardedAddressReport } from '../http/forwarded-address.ts'
import type { PublicDocuments } from '../http/public-documents.ts'
import { responseSender } from '../http/send-response.ts'
import { configuredRealm } from './configured-resource.ts'
import type { ServedCounts } from './served-counts.ts'

export interface RequestListenerParts {
  config: Pick<GatewayConfig, 'http' | 'authentication' | 'claims' | 'subgraphs'>
  /** Counts for `/health`, of this process. */
  served: ServedCounts
  /** What all processes have served together, if there are several. */
  servedByAll?: (() => Promise<ServedCounts>) | undefined
  /** Why any of the processes cannot serve right now, if there are several. */
  unreadinessOfAll?: (() => Promise<readonly string[]>) | undefined
  /** Whether documents have ids, which may be in the path. */
  documentIds?: boolean | undefined
  /** Set if requests are traced. */
  traces?: unknown
  /** Undefined: browsers get no page. */
  console?: ConsoleParts | undefined
  /** Whether the process is stopping: `/ready` then says so. */
  isStopping: () => boolean
  log: Logger
}

/**
 * Returns the listener: POST /graphql directly, all others through Express.
 *
 * @param documents what else everybody may read, by path
 */
export function requestListener(
  respond: Parameters<typeof directPost>[0]['respond'],
  unreadiness: () => readonly string[],
  parts: RequestListenerParts,
  documents: PublicDocuments,
): RequestListener {
  const { http } = parts.config
  const { log, served, servedByAll = () => served, unreadinessOfAll = unreadiness } = parts
  const { isStopping } = parts
  const send = responseSender({
    compressFrom: http.compression?.from,
    cookiesIdentify: cookiesIdentify(parts.config),
  })
  const onForwardedAddress = forwardedAddressReport(log)
  return directPost({
    respond,
    send,
    bodyLimit: http.bodyLimit,
    deadline: http.deadline,
    proxyHeaders: http.trustedProxies === 0 ? [] : headersOfProxies(parts),
    onForwardedAddress,
    otherwise: expressApp({
      ...http,
      exposedHeaders: responseHeaderNames(parts.config.subgraphs),
      documentIds: parts.documentIds,
      respond,
      send,
      served: servedByAll,
      console: parts.console,
      unreadiness: () => (isStopping() ? ['the gateway is stopping'] : unreadinessOfAll()),
      realm: configuredRealm(http),
      documents,
      onForwardedAddress,
      log,
    }),
  })
}

/** Returns the headers that count if a trusted proxy sent them. */
function headersOfProxies({ traces }: RequestListenerParts): string[] {
  return ['x-forwarded-for', 'x-request-id', ...(traces ? ['traceparent'] : [])]
}

/** Returns whether the gateway finds access tokens in cookies, or forwards cookies. */
function cookiesIdentify({ authentication, claims }: RequestListenerParts['config']): boolean {
  const forwarded = Object.values(claims.subgraphs).some(({ cookies }) => cookies.length > 0)
  return forwarded || authentication.sources.some((source) => 'cookie' in source)
}
