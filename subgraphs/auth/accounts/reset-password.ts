/** Resets a forgotten password: a token is mailed to the user, valid once and for 15 minutes. */
import { createHash, randomBytes } from 'node:crypto'
import type { CallerClient } from '../../kit/client-headers.ts'
import { overloaded } from '../../kit/retry-later.ts'
import type { SubgraphLog } from '../../kit/subgraph-log.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import type { Deliver } from '../delivery/deliver.ts'
import type { PasswordHasher } from '../passwords/hashing.ts'
import { passwordProblems } from '../passwords/password-rules.ts'
import type { PasswordRules } from '../passwords/password-rules.ts'
import { readPassword } from '../passwords/password-text.ts'
import type { NotBeforeStore } from '../revocation/not-before.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { LoginGuard } from '../throttling/login-guard.ts'
import type { Account, Accounts } from './accounts.ts'
import { isEmailAddress } from './email.ts'
import type { InputProblem } from './input-problem.ts'
import { canonicalUsername } from './username.ts'

export interface PasswordResetParts {
  database: AuthDatabase
  accounts: Accounts
  sessions: Sessions
  notBefore: NotBeforeStore
  passwords: PasswordHasher
  rules: PasswordRules
  audit: AuditTrail
  guard: LoginGuard
  deliver: Deliver
  /** The page on which a user enters the new password; the token is added to it. */
  resetUrl: string | undefined
  now: () => number
  log: SubgraphLog
}

export type ResetPasswordResult =
  { outcome: 'reset' } | { outcome: 'refused'; problems: InputProblem[] }

export interface PasswordReset {
  /**
   * Sends a token to the account's mailbox, after it has returned, so that neither its time nor its
   * result reveals whether the account exists. A network with too many requests gets a
   * TOO_MANY_REQUESTS error.
   */
  request(username: string, client: CallerClient): Promise<void>
  reset(token: string, password: string, client: CallerClient): Promise<ResetPasswordResult>
  /** Resolves when all requested mails have been sent. */
  settled(): Promise<void>
}

/** How many mails may be in delivery: a mail server that hangs holds each for a while. */
const mostUnderWay = 1_000

/** In milliseconds. */
const tokenLifetime = 15 * 60 * 1000

const unusableToken: InputProblem = {
  field: 'token',
  code: 'UNUSABLE',
  message: 'This link was used or has expired: request another',
}

export function passwordReset(parts: PasswordResetParts): PasswordReset {
  const { database, accounts, sessions, notBefore, passwords, rules, audit, guard, now, log } =
    parts
  const underWay = new Set<Promise<void>>()

  return {
    async request(username, client) {
      await guard.allowNetwork(client, 'reset')
      if (underWay.size >= mostUnderWay) throw overloaded(5)
      const sending = send(username, client)
        .catch((cause: Error) => log.error({ reason: cause.message }, 'a password reset failed'))
        .finally(() => underWay.delete(sending))
      underWay.add(sending)
    },

    async reset(token, password, client) {
      await guard.allowNetwork(client, 'reset')
      const hash = hashOf(token)
      const account = await accountOfToken(hash)
      if (!account) return { outcome: 'refused', problems: [unusableToken] }
      const problems = passwordProblems('newPassword', password, account.username, rules)
      if (problems.length > 0) return { outcome: 'refused', problems }

      const passwordHash = await passwords.hash(readPassword(password)!)
      return database.transaction().execute(async (transaction) => {
        // The request that deletes the token has used it; a concurrent one finds none.
        const used = await transaction
          .deleteFrom('auth_password_resets')
          .where('hash', '=', hash)
          .where('expires_at', '>', now())
          .returning('hash')
          .executeTakeFirst()
        if (!used) return { outcome: 'refused', problems: [unusableToken] }
        await accounts.setPassword(account.id, passwordHash, transaction)
        await guard.forget(transaction, account.username)
        await sessions.revoke(transaction, account.id, 'all', 'password reset')
        await notBefore.revoke({ account: account.id }, transaction)
        await audit.record(
          { event: 'password reset', accountId: account.id, ...client },
          transaction,
        )
        return { outcome: 'reset' }
      })
    },

    async settled() {
      await Promise.all(underWay)
    },
  }

  async function send(username: string, client: CallerClient): Promise<void> {
    const canonical = canonicalUsername(username)
    if (!(await guard.allowMail(canonical))) return
    const account = await accounts.findByUsername(canonical)
    if (!account || account.disabled) return
    const to = account.email ?? (isEmailAddress(account.username) ? account.username : undefined)
    if (to !== undefined && !account.emailVerified && !(await guard.allowMailbox(to))) return
    const token = randomBytes(32).toString('base64url')
    await database.transaction().execute(async (transaction) => {
      // One token per account: the link in an older mail becomes invalid.
      await transaction
        .deleteFrom('auth_password_resets')
        .where('account_id', '=', account.id)
        .execute()
      await transaction
        .insertInto('auth_password_resets')
        .values({ hash: hashOf(token), account_id: account.id, expires_at: now() + tokenLifetime })
        .execute()
      await audit.record(
        { event: 'password reset requested', accountId: account.id, ...client },
        transaction,
      )
    })
    await parts.deliver({ to, subject: 'Your new password', text: letter(account, token) })
  }

  function letter({ name }: Account, token: string): string {
    const how =
      parts.resetUrl === undefined
        ? `Enter this code where you requested it: ${token}`
        : `Choose a new password here: ${withToken(parts.resetUrl, token)}`
    return `Hello ${name},\n\n${how}\n\nIt works once, within 15 minutes. If you did not request it, you can ignore this mail.\n`
  }

  async function accountOfToken(hash: string): Promise<Account | undefined> {
    const row = await database
      .selectFrom('auth_password_resets')
      .select('account_id')
      .where('hash', '=', hash)
      .where('expires_at', '>', now())
      .executeTakeFirst()
    const account = row && (await accounts.find(row.account_id))
    return account?.disabled ? undefined : account
  }
}

function withToken(url: string, token: string): string {
  const link = new URL(url)
  // In the fragment: it reaches the page, but not its server or the server's log.
  link.hash = `token=${token}`
  return link.href
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
