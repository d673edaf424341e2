import type { SubgraphContext } from '../../kit/guards.ts'
import type { SubgraphResolvers } from '../../kit/serve-subgraph.ts'
import type { Accounts } from '../accounts/accounts.ts'
import { isScopeName } from '../accounts/roles.ts'
import { readPageRequest } from '../administration/page.ts'
import type { Administrators } from '../administration/administrators.ts'
import { badInput, quoted } from '../bad-input.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import type { ApiKey, ApiKeys } from '../machines/api-keys.ts'
import type { Client, Clients } from '../machines/clients.ts'
import type { NotBeforeStore } from '../revocation/not-before.ts'
import type { CallersSession } from '../sessions/callers-session.ts'
import type { SessionScopes } from '../sessions/session-scopes.ts'
import { time } from './time.ts'

export interface MachineResolverParts {
  database: AuthDatabase
  accounts: Accounts
  apiKeys: ApiKeys
  clients: Clients
  administrators: Administrators
  callersSession: CallersSession
  notBefore: NotBeforeStore
  audit: AuditTrail
  scopesOf: SessionScopes
}

const day = 24 * 60 * 60 * 1000
const limits = { name: 100, days: 365, keys: 50 }

export function machineResolvers(parts: MachineResolverParts) {
  const { database, accounts, apiKeys, clients, callersSession, notBefore, audit, scopesOf } = parts
  const actor = (context: SubgraphContext) => parts.administrators.require(context, 'admin:clients')

  return {
    Query: {
      async apiKeys(_parent, _args, context) {
        const { accountId } = await callersSession.require(context)
        return (await apiKeys.list(accountId)).map(apiKeyOutput)
      },
      async adminClients(_parent, page, context) {
        await actor(context)
        const { nodes, endCursor } = await clients.page(readPageRequest(page))
        return { nodes: nodes.map(clientOutput), endCursor }
      },
    },
    Mutation: {
      async createApiKey(_parent, { name, scopes, expiresInDays }, context) {
        // A session is required: an API key cannot create another.
        const session = await callersSession.require(context)
        const { accountId, id: sessionId } = session
        const account = await accounts.find(accountId)
        const own = account ? scopesOf(account, session) : []
        requireName(name)
        if (expiresInDays < 1 || expiresInDays > limits.days) {
          throw badInput(`expiresInDays must be between 1 and ${limits.days}`, {
            field: 'expiresInDays',
            limit: limits.days,
          })
        }
        const foreign = scopes.find((scope: string) => !own.includes(scope))
        if (foreign !== undefined) {
          throw badInput(`The scope ${quoted(foreign)} is not one of your own`, { field: 'scopes' })
        }
        return database.transaction().execute(async (transaction) => {
          // Locked: concurrent requests would each see room for one more key.
          await accounts.lock(accountId, transaction)
          if ((await apiKeys.list(accountId, transaction)).length >= limits.keys) {
            throw badInput(`An account has at most ${limits.keys} API keys: revoke one first`, {
              limit: limits.keys,
            })
          }
          const lifetime = expiresInDays * day
          const made = await apiKeys.add(transaction, { accountId, name, scopes, lifetime })
          await audit.record(
            { event: 'API key made', accountId, sessionId, ...context.client },
            transaction,
          )
          return { key: made.text, apiKey: apiKeyOutput(made.apiKey) }
        })
      },
      async revokeApiKey(_parent, { id }, context) {
        const { accountId, id: sessionId } = await callersSession.require(context)
        return database.transaction().execute(async (transaction) => {
          const revoked = await apiKeys.revoke(transaction, { id, accountId })
          if (!revoked) return false
          await audit.record(
            { event: 'API key revoked', accountId, sessionId, ...context.client },
            transaction,
          )
          return true
        })
      },

      async adminCreateClient(_parent, { name, scopes }, context) {
        const { id: actorId } = await actor(context)
        requireName(name)
        const unusable = scopes.find((scope: string) => !isScopeName(scope))
        if (unusable !== undefined) {
          throw badInput(
            `${quoted(unusable)} is not a scope: 1 to 128 visible ASCII characters, without spaces, quotes and backslashes`,
            { field: 'scopes' },
          )
        }
        return database.transaction().execute(async (transaction) => {
          const { client, secret } = await clients.add(name, scopes, transaction)
          await audit.record(
            { event: 'client made', accountId: client.id, actorId, ...context.client },
            transaction,
          )
          return { client: clientOutput(client), secret }
        })
      },
      async adminDisableClient(_parent, { id }, context) {
        const { id: actorId } = await actor(context)
        return database.transaction().execute(async (transaction) => {
          const client = await clients.disable(id, transaction)
          if (!client) throw badInput('There is no client with this id', { field: 'id' })
          await notBefore.revoke({ client: id }, transaction)
          await audit.record(
            { event: 'client disabled', accountId: id, actorId, ...context.client },
            transaction,
          )
          return clientOutput(client)
        })
      },
    },
  } satisfies SubgraphResolvers
}

function requireName(name: string): void {
  const { length } = [...name.trim()]
  if (length >= 1 && length <= limits.name) return
  throw badInput(`name must have 1 to ${limits.name} characters`, {
    field: 'name',
    limit: limits.name,
  })
}

function apiKeyOutput({ id, name, scopes, createdAt, expiresAt, lastUsedAt }: ApiKey) {
  return {
    id,
    name,
    scopes,
    createdAt: time(createdAt),
    expiresAt: time(expiresAt),
    lastUsedAt: lastUsedAt === null ? null : time(lastUsedAt),
  }
}

function clientOutput({ id, name, scopes, disabled, createdAt }: Client) {
  return { id, name, scopes, disabled, createdAt: time(createdAt) }
}
