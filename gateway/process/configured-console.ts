/** The page, as the configuration has it: who may see it, and what it may ask the gateway. */
import type { Authenticator } from '../authentication/authenticator.ts'
import { tokenFinder } from '../authentication/find-token.ts'
import { mayExplain } from '../authorization/may-explain.ts'
import type { ExplainTo } from '../authorization/may-explain.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { GatewayError } from '../errors.ts'
import type { ConsoleParts } from '../http/console-page.ts'
import type { SchemaVersion } from '../supergraph/schema-version.ts'
import { explainCredential } from './explain-credential.ts'

export interface ConsoleSettings {
  readonly config: Pick<GatewayConfig, 'console' | 'authorization'>
  /** Undefined: as in production. */
  readonly development?: boolean | undefined
}

/** What the configuration says of the page and of explanations. */
export interface ConsoleAccess {
  /** Whether the page is shown. */
  readonly shows: boolean
  readonly explainTo: ExplainTo
}

/** Returns who may see the page and have decisions explained: in development, everybody. */
export function consoleAccess({ config, development }: ConsoleSettings): ConsoleAccess {
  const { console: setting = development ? 'on' : 'off', authorization } = config
  if (setting === 'on') return { shows: true, explainTo: 'everyone' }
  const { explainScope } = authorization
  const scopes = explainScope === undefined ? [] : [explainScope]
  if (setting === 'off') return { shows: false, explainTo: scopes }
  return { shows: true, explainTo: [...scopes, setting.scope] }
}

interface ConfiguredConsoleParts {
  readonly callers: Pick<Authenticator, 'authenticate' | 'explain'>
  readonly schema: { current(): Pick<SchemaVersion, 'describe'> }
  readonly config: Pick<GatewayConfig, 'authentication' | 'claims'>
  /** As in GatewaySettings. */
  readonly account: string | undefined
}

/** Returns the parts of the page. */
export function configuredConsole(
  { shows, explainTo }: ConsoleAccess,
  { callers, schema, config, account }: ConfiguredConsoleParts,
): ConsoleParts {
  const findToken = tokenFinder(config.authentication)
  return {
    shows,
    sessionCookies: hasSessionCookies(config),
    account,
    async admit(headers, address) {
      if (explainTo === 'everyone') return
      const caller = await callers.authenticate(headers, undefined, undefined, address ?? '')
      if (!caller.claims) throw new GatewayError('TOKEN_MISSING')
      if (!mayExplain(explainTo, caller)) throw new GatewayError('INSUFFICIENT_SCOPE')
    },
    credentialOf(headers) {
      const found = findToken(headers)
      if (found.outcome === 'refused') throw new GatewayError(found.reason)
      return found.outcome === 'found' ? found.token : undefined
    },
    explainCredential: (credential, address = '') =>
      explainCredential({ credential, address }, callers, config),
    describeGraph: () => schema.current().describe(),
  }
}

/**
 * Returns whether a subgraph may set a cookie in which the gateway finds access tokens. A token in `Authorization`
 * has to count first: with a WebSocket, a browser sends the cookie whoever the page asks as.
 */
function hasSessionCookies({
  authentication: { sources },
  claims: { subgraphs },
}: ConfiguredConsoleParts['config']): boolean {
  const settable = new Set(Object.values(subgraphs).flatMap(({ cookies }) => cookies))
  const header = sources.findIndex((source) => 'header' in source && isBearer(source))
  const cookie = sources.findIndex((source) => 'cookie' in source && settable.has(source.cookie))
  return header !== -1 && header < cookie
}

function isBearer({ header, scheme }: { header: string; scheme?: string | undefined }): boolean {
  return header === 'authorization' && scheme?.toLowerCase() === 'bearer'
}
