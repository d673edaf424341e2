import type { SubgraphResolvers } from '../../kit/serve-subgraph.ts'
import type { Accounts } from '../accounts/accounts.ts'
import { badInput } from '../bad-input.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import type { OneTimeCodes } from '../second-factors/one-time-codes.ts'
import { base32, totpUri } from '../second-factors/totp.ts'
import type { CallersSession } from '../sessions/callers-session.ts'
import type { Session } from '../sessions/sessions.ts'
import { wrongCredentials } from '../sessions/wrong-credentials.ts'
import type { Throttles } from '../throttling/throttles.ts'
import { time } from './time.ts'

export interface SecondFactorResolverParts {
  database: AuthDatabase
  accounts: Accounts
  codes: OneTimeCodes
  throttles: Throttles
  callersSession: CallersSession
  audit: AuditTrail
  /** The name of the service in authenticator apps. */
  applicationName: string
}

export function secondFactorResolvers(parts: SecondFactorResolverParts) {
  const { database, accounts, codes, throttles, callersSession, audit } = parts

  return {
    Query: {
      async authenticatorApp(_parent, _args, context) {
        const { accountId } = await callersSession.require(context)
        const app = await codes.app(accountId)
        return app
          ? { ...app, createdAt: time(app.createdAt), lastUsedAt: time(app.lastUsedAt) }
          : null
      },
    },
    Mutation: {
      async enrolTotp(_parent, _args, context) {
        const { accountId } = await callersSession.require(context)
        const account = await accounts.find(accountId)
        const secret = await codes.enrol(accountId)
        if (!account || !secret) {
          throw badInput('There is an authenticator app already: remove it first, with removeTotp')
        }
        const uri = totpUri(secret, parts.applicationName, account.username)
        return { secret: base32(secret), uri }
      },

      async confirmTotp(_parent, { code }, context) {
        const session = await callersSession.require(context)
        const recoveryCodes = await attempt(session, async (transaction) => {
          const made = await codes.confirm(transaction, session.accountId, code)
          if (made) {
            await audit.record(entry('second factor added', session, context.client), transaction)
          }
          return made
        })
        if (recoveryCodes) return { confirmed: true, recoveryCodes, problems: [] }
        const problem = {
          field: 'code',
          code: 'WRONG',
          message: 'This code is not the current one',
        }
        return { confirmed: false, recoveryCodes: [], problems: [problem] }
      },

      async removeTotp(_parent, { code }, context) {
        const session = await callersSession.require(context)
        const removed = await attempt(session, async (transaction) => {
          if (!(await codes.use(transaction, session.accountId, code))) return undefined
          await codes.remove(transaction, session.accountId)
          await audit.record(entry('second factor removed', session, context.client), transaction)
          return true
        })
        if (removed) return true
        throw wrongCredentials()
      },
    },
  } satisfies SubgraphResolvers

  /** A stolen access token must not allow guessing codes. */
  async function attempt<T>(
    { accountId }: Session,
    act: (transaction: AuthDatabase) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const key = `code ${accountId}`
    if ((await throttles.begin(database, key)) !== 'allowed') return undefined
    return database.transaction().execute(async (transaction) => {
      const result = await act(transaction)
      if (result === undefined) await throttles.failed(transaction, key)
      else await throttles.succeeded(transaction, key)
      return result
    })
  }
}

function entry(
  event: 'second factor added' | 'second factor removed',
  { accountId, id }: Session,
  client: { address?: string },
) {
  return { event, accountId, sessionId: id, ...client }
}
