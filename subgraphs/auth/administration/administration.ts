/** The administration of accounts. Each action is recorded with the administrator. */
import type { CallerClient } from '../../kit/client-headers.ts'
import { accountOf } from '../accounts/accounts.ts'
import type { Account, Accounts } from '../accounts/accounts.ts'
import type { Roles } from '../accounts/roles.ts'
import type { AuditEvent, AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import type { NotBeforeStore } from '../revocation/not-before.ts'
import type { SessionEnd } from '../sessions/session-end.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { found } from './account-search.ts'
import { isAfter, pageOf } from './page.ts'
import type { Page, PageRequest } from './page.ts'

export interface Actor {
  readonly id: string
  readonly client: CallerClient
}

export type AdministrationOutcome =
  | { outcome: 'done'; account: Account }
  | { outcome: 'unknown account' }
  | { outcome: 'unknown role'; role: string }
  /** An administrator who locks themselves out may be the last one who could undo it. */
  | { outcome: 'oneself' }

export interface Administration {
  /** Oldest account first; `search` matches a part of a username, a name or an address. */
  accounts(request: PageRequest, search: string | undefined): Promise<Page<Account>>
  disable(actor: Actor, id: string): Promise<AdministrationOutcome>
  enable(actor: Actor, id: string): Promise<AdministrationOutcome>
  setRoles(actor: Actor, id: string, roles: readonly string[]): Promise<AdministrationOutcome>
  forceLogout(actor: Actor, id: string): Promise<AdministrationOutcome>
}

export interface AdministrationParts {
  database: AuthDatabase
  accounts: Accounts
  sessions: Sessions
  notBefore: NotBeforeStore
  audit: AuditTrail
  roles: Roles
  now: () => number
}

export function administration(parts: AdministrationParts): Administration {
  const { database, sessions, notBefore, audit, roles, now } = parts

  return {
    async accounts({ first, after }, search) {
      let query = database
        .selectFrom('auth_accounts')
        .selectAll()
        .orderBy('created_at')
        .orderBy('id')
        .limit(first + 1)
      if (after) query = query.where(isAfter('created_at', 'oldest first', after))
      if (search !== undefined) query = query.where(found(search))
      const rows = await query.execute()
      return pageOf(
        rows,
        first,
        (row) => ({ at: row.created_at, id: row.id }),
        (row) => accountOf(row, roles),
      )
    },

    async disable(actor, id) {
      if (id === actor.id) return { outcome: 'oneself' }
      return act(actor, id, 'account disabled', async (transaction) => {
        await change(transaction, id, { disabled_at: now() })
        await endEverything(transaction, id, 'account disabled')
      })
    },

    enable: (actor, id) =>
      act(actor, id, 'account enabled', (transaction) =>
        change(transaction, id, { disabled_at: null }),
      ),

    async setRoles(actor, id, held) {
      const unknown = held.find((role) => !Object.hasOwn(roles, role))
      if (unknown !== undefined) return { outcome: 'unknown role', role: unknown }
      if (id === actor.id) return { outcome: 'oneself' }
      return act(actor, id, 'roles changed', async (transaction) => {
        await change(transaction, id, { roles: [...new Set(held)].join(' ') })
        // Its access tokens are revoked; the next refresh issues one with the new scopes.
        await notBefore.revoke({ account: id }, transaction)
      })
    },

    forceLogout: (actor, id) =>
      act(actor, id, 'logout forced', (transaction) =>
        endEverything(transaction, id, 'logout forced'),
      ),
  }

  function act(
    actor: Actor,
    id: string,
    event: AuditEvent,
    make: (transaction: AuthDatabase) => Promise<void>,
  ): Promise<AdministrationOutcome> {
    return database.transaction().execute(async (transaction) => {
      if (!(await parts.accounts.find(id, transaction))) return { outcome: 'unknown account' }
      await make(transaction)
      await audit.record({ event, accountId: id, actorId: actor.id, ...actor.client }, transaction)
      const account = await parts.accounts.find(id, transaction)
      return account ? { outcome: 'done', account } : { outcome: 'unknown account' }
    })
  }

  async function change(
    transaction: AuthDatabase,
    id: string,
    values: { disabled_at: number | null } | { roles: string },
  ): Promise<void> {
    await transaction.updateTable('auth_accounts').set(values).where('id', '=', id).execute()
  }

  async function endEverything(
    transaction: AuthDatabase,
    id: string,
    endedBy: SessionEnd,
  ): Promise<void> {
    // First, because it locks the account, so that no session starts meanwhile.
    await notBefore.revoke({ account: id }, transaction)
    await sessions.revoke(transaction, id, 'all', endedBy)
  }
}
