import type { SubgraphContext } from '../../kit/guards.ts'
import type { SubgraphResolvers } from '../../kit/serve-subgraph.ts'
import type { Account, Accounts } from '../accounts/accounts.ts'
import { canonicalUsername } from '../accounts/username.ts'
import { badInput, quoted } from '../bad-input.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import { mostPasskeys } from '../second-factors/passkeys.ts'
import type { Passkey, Passkeys } from '../second-factors/passkeys.ts'
import { strengths } from '../sessions/authentication-strength.ts'
import type { CallersSession } from '../sessions/callers-session.ts'
import type { HandOutTokens } from '../sessions/hand-out-tokens.ts'
import type { SessionCookies } from '../sessions/session-cookies.ts'
import type { Session } from '../sessions/sessions.ts'
import type { SessionStarter } from '../sessions/start-session.ts'
import { wrongCredentials } from '../sessions/wrong-credentials.ts'
import type { LoginGuard } from '../throttling/login-guard.ts'
import { time } from './time.ts'
import { tokensOutput } from './tokens-output.ts'

export interface PasskeyResolverParts {
  database: AuthDatabase
  accounts: Accounts
  /** Undefined if passkeys are not configured. */
  passkeys: Passkeys | undefined
  callersSession: CallersSession
  guard: LoginGuard
  startSession: SessionStarter
  audit: AuditTrail
  inBrowser: SessionCookies
  handOutTokens: HandOutTokens
}

const longestName = 100

/** The WebAuthn messages of the browser are JSON, which the schema carries as text. */
export function passkeyResolvers(parts: PasskeyResolverParts) {
  const { database, accounts, callersSession, guard, startSession, audit, inBrowser } = parts
  const { handOutTokens } = parts

  return {
    Query: {
      async passkeys(_parent, _args, context) {
        const { accountId } = await callersSession.require(context)
        return (await required().list(accountId)).map(passkeyOutput)
      },
    },
    Mutation: {
      async startPasskeyRegistration(_parent, _args, context) {
        const { account } = await caller(context)
        await requirePlace(account)
        return JSON.stringify(await required().startRegistration(account))
      },

      async finishPasskeyRegistration(_parent, { response, name }, context) {
        const { account, session } = await caller(context)
        if ([...name].length > longestName) {
          throw badInput(`name must have at most ${longestName} characters`, {
            field: 'name',
            limit: longestName,
          })
        }
        await requirePlace(account)
        const passkey = await required().finishRegistration(account, read(response), name)
        if (!passkey) {
          throw badInput('The response of the device is not valid or has expired: start again', {
            field: 'response',
          })
        }
        await audit.record({ event: 'passkey added', ...actor(session, context) })
        return passkeyOutput(passkey)
      },

      async removePasskey(_parent, { id }, context) {
        const { session } = await caller(context)
        return database.transaction().execute(async (transaction) => {
          if (!(await required().remove(transaction, session.accountId, id))) return false
          await audit.record({ event: 'passkey removed', ...actor(session, context) }, transaction)
          return true
        })
      },

      async startPasskeyLogin(_parent, { username: typed }, { client }) {
        await guard.allowNetwork(client, 'passkey begin')
        const username = typed == null ? undefined : canonicalUsername(typed)
        const account = username === undefined ? undefined : await accounts.findByUsername(username)
        return JSON.stringify(await required().startLogin(username, account))
      },

      async finishPasskeyLogin(_parent, { response, inCookies }, context) {
        const { client } = context
        inBrowser.check(inCookies)
        await guard.allowNetwork(client, 'passkey')
        const passkey = await required().finishLogin(read(response))
        const account = passkey && (await accounts.find(passkey.accountId))
        if (!account || account.disabled) {
          await audit.record({ event: 'login failed', accountId: account?.id, ...client })
          throw wrongCredentials()
        }
        const start = {
          async inTransaction(transaction: AuthDatabase) {
            await guard.refundNetwork(transaction, client, 'passkey begin')
            await guard.refundNetwork(transaction, client, 'passkey')
          },
          deviceToken: undefined,
          strength: strengths.passkey,
        }
        const tokens = await startSession(account, client, start)
        return tokensOutput(await handOutTokens(tokens, inCookies, context))
      },
    },
  } satisfies SubgraphResolvers

  function required(): Passkeys {
    if (parts.passkeys) return parts.passkeys
    throw badInput('Passkeys are not configured: set PASSKEY_DOMAIN', { setting: 'PASSKEY_DOMAIN' })
  }

  async function requirePlace({ id }: Account): Promise<void> {
    if ((await required().list(id)).length < mostPasskeys) return
    throw badInput(`An account has at most ${mostPasskeys} passkeys: remove one first`, {
      limit: mostPasskeys,
    })
  }

  function read(json: string): unknown {
    const response = parsed(json)
    const origin = required().unknownOrigin(response)
    if (origin === undefined) return response
    throw badInput(`Passkeys cannot be used at ${quoted(origin)}: add it to PASSKEY_ORIGINS`, {
      field: 'response',
      setting: 'PASSKEY_ORIGINS',
    })
  }

  async function caller(context: SubgraphContext): Promise<{ account: Account; session: Session }> {
    const session = await callersSession.require(context)
    const account = await accounts.find(session.accountId)
    if (!account) throw wrongCredentials()
    return { account, session }
  }
}

function actor(session: Session, { client }: SubgraphContext) {
  return { accountId: session.accountId, sessionId: session.id, ...client }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw badInput('response must be the JSON of the device', { field: 'response' })
  }
}

function passkeyOutput({ id, name, createdAt, lastUsedAt }: Passkey) {
  return {
    id,
    name,
    createdAt: time(createdAt),
    lastUsedAt: lastUsedAt === null ? null : time(lastUsedAt),
  }
}
