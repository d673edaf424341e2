/**
 * Administration is for holders of a session, a client or an API key of this service that have the
 * scope now. A scope in the claims is not enough. It may come from another issuer that the gateway
 * accepts, or an administrator may have taken it away since the token was issued.
 */
import { GraphQLError } from 'graphql'
import { requireScopes } from '../../kit/guards.ts'
import type { SubgraphContext } from '../../kit/guards.ts'
import type { Claims } from '../../kit/claims-header.ts'
import type { SubgraphLog } from '../../kit/subgraph-log.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { Clients } from '../machines/clients.ts'
import type { CallersSession } from '../sessions/callers-session.ts'
import type { SessionScopes } from '../sessions/session-scopes.ts'
import type { Actor } from './administration.ts'

export interface Administrators {
  /** Returns the administrator; throws an UNAUTHENTICATED or FORBIDDEN error without the scope. */
  require(context: SubgraphContext, scope: string): Promise<Actor>
}

export interface AdministratorParts {
  callersSession: CallersSession
  accounts: Accounts
  clients: Clients
  scopesOf: SessionScopes
  /** The `iss` of our tokens. */
  issuer: string
  log: SubgraphLog
}

const issuerNeeded =
  'Administration by a client or an API key needs the claim iss: add it to claims.forward in gateway.yaml, and to the list of the auth subgraph if it has one'

export function administrators(parts: AdministratorParts): Administrators {
  const { callersSession, accounts, clients, scopesOf, issuer, log } = parts
  let warned = false

  return {
    async require(context, scope) {
      const claims = requireScopes(context, scope)
      const held =
        claims.sid === undefined
          ? await scopesOfMachine(claims)
          : await scopesOfSession(context, claims)
      if (!held.includes(scope)) throw forbidden(`Missing scope: ${scope}`)
      return { id: claims.sub, client: context.client }
    },
  }

  /** The client gets FORBIDDEN; the reason goes to the operator's log. */
  function warnOnce(): void {
    if (!warned) log.warn({}, issuerNeeded)
    warned = true
  }

  async function scopesOfSession(
    context: SubgraphContext,
    { sub }: Claims,
  ): Promise<readonly string[]> {
    const session = await callersSession.require(context)
    const account = await accounts.find(sub)
    return account && !account.disabled ? scopesOf(account, session) : []
  }

  /** Without a session, only the issuer distinguishes a token of ours from another with the same subject. */
  async function scopesOfMachine({ iss, sub }: Claims): Promise<readonly string[]> {
    if (iss === undefined) {
      warnOnce()
      throw forbidden(issuerNeeded)
    }
    if (iss !== issuer) throw forbidden('Administration needs an access token of this service')
    const client = await clients.find(sub)
    if (client) return client.disabled ? [] : client.scopes
    const account = await accounts.find(sub)
    return account && !account.disabled ? account.scopes : []
  }
}

function forbidden(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'FORBIDDEN' } })
}
