import type { Selectable } from 'kysely'
import { isAfter, pageOf } from '../administration/page.ts'
import type { Page, PageRequest } from '../administration/page.ts'
import type { AuditTable, AuthDatabase } from '../database.ts'

export type AuditRow = Selectable<AuditTable>

export interface AuditFilter {
  accountId?: string | undefined
  event?: string | undefined
}

export type ReadAudit = (request: PageRequest, filter: AuditFilter) => Promise<Page<AuditRow>>

/** Returns a function that reads the trail, the newest entry first. */
export function auditReader(database: AuthDatabase): ReadAudit {
  return async ({ first, after }, { accountId, event }) => {
    let query = database
      .selectFrom('auth_audit')
      .selectAll()
      .orderBy('at', 'desc')
      .orderBy('id', 'desc')
      .limit(first + 1)
    if (after) query = query.where(isAfter('at', 'newest first', after))
    if (accountId !== undefined) query = query.where('account_id', '=', accountId)
    if (event !== undefined) query = query.where('event', '=', event)
    const rows = await query.execute()
    return pageOf(
      rows,
      first,
      ({ at, id }) => ({ at, id }),
      (row) => row,
    )
  }
}
