/** What administrators do with the accounts of others: each part for those whose account has its scope. */
import { useAccountData } from './account-data.ts'
import type { SendAs } from './account-data.ts'
import { AdminClients } from './admin-clients.tsx'
import { AdminUsers } from './admin-users.tsx'
import { AuditTrail } from './audit-trail.tsx'

/** Nothing, for an account without a scope of administrators. */
export function Administration({ sendAs }: { sendAs: SendAs }) {
  const { data } = useAccountData<{ me: { scopes: readonly string[] } | null }>(
    sendAs,
    '{ me { scopes } }',
  )
  const scopes = data?.me?.scopes ?? []
  return (
    <>
      {scopes.includes('admin:users') && <AdminUsers sendAs={sendAs} />}
      {scopes.includes('admin:clients') && <AdminClients sendAs={sendAs} />}
      {scopes.includes('admin:audit') && <AuditTrail sendAs={sendAs} />}
    </>
  )
}
