import type { SubgraphContext } from '../../kit/guards.ts'
import type { SubgraphResolvers } from '../../kit/serve-subgraph.ts'
import type { Account } from '../accounts/accounts.ts'
import type { Administration, AdministrationOutcome } from '../administration/administration.ts'
import type { Administrators } from '../administration/administrators.ts'
import { readPageRequest } from '../administration/page.ts'
import { badInput, quoted } from '../bad-input.ts'
import type { AuditRow, ReadAudit } from '../audit/read-audit.ts'
import { time } from './time.ts'

export interface AdministrationResolverParts {
  administration: Administration
  administrators: Administrators
  readAudit: ReadAudit
}

/** The gateway enforces the scopes of the schema; the resolvers check them again. */
export function administrationResolvers(parts: AdministrationResolverParts) {
  const { administration, administrators, readAudit } = parts
  const actor = (context: SubgraphContext) => administrators.require(context, 'admin:users')

  return {
    Query: {
      async adminUsers(_parent, { search, ...page }, context) {
        await actor(context)
        const { nodes, endCursor } = await administration.accounts(
          readPageRequest(page),
          search ?? undefined,
        )
        return { nodes: nodes.map(accountOutput), endCursor }
      },
      async adminAudit(_parent, { userId, event, ...page }, context) {
        await administrators.require(context, 'admin:audit')
        const { nodes, endCursor } = await readAudit(readPageRequest(page), {
          accountId: userId ?? undefined,
          event: event ?? undefined,
        })
        return { nodes: nodes.map(entryOutput), endCursor }
      },
    },
    Mutation: {
      async adminDisableUser(_parent, { id }, context) {
        return output(await administration.disable(await actor(context), id))
      },
      async adminEnableUser(_parent, { id }, context) {
        return output(await administration.enable(await actor(context), id))
      },
      async adminSetRoles(_parent, { id, roles }, context) {
        return output(await administration.setRoles(await actor(context), id, roles))
      },
      async adminForceLogout(_parent, { id }, context) {
        return output(await administration.forceLogout(await actor(context), id))
      },
    },
  } satisfies SubgraphResolvers
}

function output(result: AdministrationOutcome) {
  switch (result.outcome) {
    case 'done':
      return accountOutput(result.account)
    case 'unknown account':
      throw badInput('There is no account with this id', { field: 'id' })
    case 'unknown role':
      throw badInput(`There is no role ${quoted(result.role)}: AUTH_ROLES lists the roles`, {
        field: 'roles',
        setting: 'AUTH_ROLES',
      })
    case 'oneself':
      throw badInput('This cannot be done to your own account: ask another administrator', {
        field: 'id',
      })
  }
}

function accountOutput(account: Account) {
  const { username, name, email, emailVerified, roles, scopes, disabled, createdAt } = account
  return {
    username,
    name,
    email,
    emailVerified,
    roles,
    scopes,
    disabled,
    createdAt: time(createdAt),
    user: { id: account.id },
  }
}

function entryOutput(row: AuditRow) {
  return {
    id: row.id,
    at: time(row.at),
    event: row.event,
    userId: row.account_id,
    actorId: row.actor_id,
    sessionId: row.session_id,
    address: row.address,
    usernameHash: row.username_hash,
  }
}
